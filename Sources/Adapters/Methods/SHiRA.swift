package import Formats
package import Layers
package import Recipes
import Tensors

/// Sparse high-rank adapter (SHiRA, arXiv 2406.13175; as in PEFT 0.21.2, `SHIRA`): ΔW is zero but for
/// r (out + in) entries.
///
/// `shira_weight` holds the entries, zero at first, `shira_indices` i32 `[2, r (out + in)]` their rows and
/// columns in row-major order, drawn without repetition by PyTorch's generator (`mask_type: random`).
package struct SHiRA: PEFTMethod {
  package static let name = "shira"
  package static let summary = "trained entries at random places of a weight (SHiRA)"
  package static let options: OptionTable = [
    .rank(32),
    Option("mask_type", .oneOf(["random"]), default: "random", "How the places are chosen."),
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

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    lowRank = LowRank(of: options)
    seed = options.optionalInt("random_seed")
    fields = PEFTFields.object(options, ["fan_in_fan_out": false, "init_weights": true])
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (rows, columns) = (target.rows.count, target.inputs)
    let count = trainableCount(for: target)
    guard count <= rows * columns else {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason:
          "r \(target.rank) asks for \(count) entries of a weight that has \(rows * columns). "
          + "Lower it")
    }
    let drawn = Int(truncatingIfNeeded: shared.seed) ^ pathHash(target.path(to: "shira"))
    let places = SparsePositions.random(
      count: count, rows: rows, columns: columns, seed: seed ?? drawn
    ).sorted()
    let indices = places.map { Int32($0 / columns) } + places.map { Int32($0 % columns) }
    return SparseDelta(
      values: target.parameter("shira_weight", [count], .zeros),
      indices: target.buffer("shira_indices", Tensor(indices, shape: [2, count])))
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
