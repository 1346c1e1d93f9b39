package import Formats
package import Layers
package import Recipes
import Tensors

/// Sparse high-rank adapter (SHiRA, arXiv 2406.13175; as in PEFT 0.21.2, `SHIRA`): ΔW is zero but for
/// r (out + in) entries.
///
/// `shira_weight` holds the entries, zero at first, `shira_indices` i32 `[2, r (out + in)]` their rows and
/// columns in row-major order. `mask_type` says which (section 3.1 of the paper): `random` as in PEFT, by
/// PyTorch's generator; `struct` the diagonal and drawn whole columns and rows; `wm` the largest |W|;
/// `grad` the largest |Σ ∂L/∂W|, `snip` the largest |W ∘ Σ ∂L/∂W| over the first `samples` training
/// samples before step 0. PEFT has `random` alone, and that is what files say: they have the places.
package struct SHiRA: PEFTMethod {
  /// How places are chosen.
  enum Mask: String, CaseIterable { case random, `struct`, wm, grad, snip }

  package static let name = "shira"
  package static let summary = "trained entries at chosen places of a weight (SHiRA)"
  package static let options: OptionTable = [
    .rank(32),
    Option(
      "mask_type", .choice(Mask.self), default: "random",
      "How the places are chosen: random; struct: diagonal, rows and columns; wm: by weights; grad, "
        + "snip: by gradients, or their products with weights."),
    Option(
      "samples", .integer, default: 64, range: .atLeast(1),
      "Training samples whose gradients choose, for grad and snip."),
    Option(
      "random_seed", .integer, default: .described("the seed of the run"), range: .atLeast(0),
      "Seed of the places."),
  ]
  package static let peftType = "SHIRA"
  package static let capabilities: AdapterCapabilities = [.portableLinear, .rows]
  package static let absentFields: Set<String> = ["bias", "exclude_modules"]

  package let lowRank: LowRank?
  package let fields: JSONObject
  private let seed: Int?
  private let mask: Mask
  private let samples: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    seed = options.optionalInt("random_seed")
    mask = options.choice("mask_type", as: Mask.self)
    samples = options.int("samples")
    fields = PEFTFields.object(
      options, without: ["samples"],
      ["fan_in_fan_out": false, "init_weights": true, "mask_type": "random"])
  }

  package var ownInitialization: (any AdapterInitialization)? {
    switch mask {
    case .random, .struct, .wm: nil
    case .grad: GradientPlaces(method: self, samples: samples, weighsByValue: false)
    case .snip: GradientPlaces(method: self, samples: samples, weighsByValue: true)
    }
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let columns = target.inputs
    let count = trainableCount(for: target)
    try target.requireEntries(count, method: Self.name)
    let places = target.places ?? places(target, count: count, seed: shared.seed)
    let indices = places.map { Int32($0 / columns) } + places.map { Int32($0 % columns) }
    return SparseDelta(
      values: target.parameter("shira_weight", [count], .zeros),
      indices: target.buffer("shira_indices", Tensor(indices, shape: [2, count])))
  }

  /// Places that no gradient chooses, in row-major order; a file gives its own.
  private func places(_ target: AdapterTarget, count: Int, seed run: UInt64) -> [Int] {
    let (rows, columns) = (target.rows.count, target.inputs)
    let drawn = seed ?? Int(truncatingIfNeeded: run) ^ pathHash(target.path(to: "shira"))
    switch mask {
    case .struct:
      return SparsePositions.lines(count: count, rows: rows, columns: columns, seed: drawn)
    case .wm where target.stored.isEmpty:
      return SparsePositions.largest(target.layer.weight, count: count)
    default:
      return SparsePositions.random(count: count, rows: rows, columns: columns, seed: drawn)
        .sorted()
    }
  }

  /// r (out + in).
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * (target.rows.count + target.inputs)
  }

  /// A file has its places, however they were chosen.
  package static func options(
    _ configuration: JSONObject
  ) throws(UnsupportedConfiguration) -> [PlainValue.Field] {
    namedOptions(configuration).filter { $0.key != "mask_type" }
  }
}

/// Places of the largest gradients of the weight, or of their products with it, on training samples.
///
/// Without samples (a model that is only looked at, or whose places a checkpoint gives) targets stay as
/// they are, and the places are drawn.
private struct GradientPlaces: AdapterInitialization {
  static let name = "gradient-places"
  static let summary = "places of the largest gradients of the weight"
  static let options: OptionTable = []
  static let needs = CalibrationNeed.data
  static let findsValues = true

  private let method: SHiRA?
  private let samples: Int
  private let weighsByValue: Bool

  init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    (method, samples, weighsByValue) = (nil, 64, false)
  }

  init(method: SHiRA, samples: Int, weighsByValue: Bool) {
    (self.method, self.samples, self.weighsByValue) = (method, samples, weighsByValue)
  }

  func prepared(
    _ targets: [AdapterTarget], _ plan: AdapterPreparation
  ) throws -> [AdapterTarget] {
    guard let probe = plan.probe, let method else { return targets }
    let sums = try probe.weightGradients(targets, samples: min(samples, probe.count))
    return zip(targets, sums).map { target, sum in
      var chosen = target
      let score = weighsByValue ? sum * target.layer.weight.detached() : sum
      chosen.places = SparsePositions.largest(
        score, count: min(score.elementCount, method.trainableCount(for: target)))
      return chosen
    }
  }
}

/// Values at places of a weight.
struct SparseDelta: WeightDelta {
  let values: Parameter
  /// Integers `[2, n]`, rows and columns, or `[n]`, numbers in row-major order.
  let indices: Parameter

  var parameters: [Parameter] { [values] }
  var buffers: [Parameter] { [indices] }

  func delta(_ layer: SiteRows) -> Tensor {
    let (count, columns) = (values.elementCount, layer.site.inputs)
    let numbers = indices.value.integers
    let places =
      indices.shape.count == 1
      ? numbers : (0..<count).map { numbers[$0] * columns + numbers[count + $0] }
    return values().scattered(to: places, count: layer.rows.count * columns)
      .reshaped(to: [layer.rows.count, columns])
  }
}
