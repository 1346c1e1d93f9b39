package import Layers
package import Recipes
import Tensors

/// Partial connection adaptation (PaCA, arXiv 2503.01905, section 3): r randomly chosen input columns of
/// the weight are trained, W'[:, idx] = s P, s = α/r.
///
/// `paca_w` is P `[out, r]`, W[:, idx]/s at first, so that the first output is the frozen model's;
/// `paca_indices` i64 `[r]` holds the columns in order, drawn without repetition. Of the input only
/// x[:, idx] is kept for the way back. Since P is the weight itself over s, an optimizer's step in units
/// of the weight is s times its learning rate.
package struct PaCA: RecordsOptions {
  package static let name = "paca"
  package static let summary = "some input columns of a weight, trained in place (PaCA)"
  package static let options: OptionTable = [
    .rank(8), .alpha(aliases: ["paca_alpha"]),
    Option(
      "random_seed", .integer, default: .described("the seed of the run"), range: .atLeast(0),
      "Seed of the columns."),
  ]
  package static let peftType = "PACA"
  package static let capabilities: AdapterCapabilities = [
    .linear, .rows, .mergeable, .zeroStart, .readsBase,
  ]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let seed: Int?

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(of: options)
    seed = options.optionalInt("random_seed")
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    guard target.rank <= target.inputs else {
      throw .rankTooLarge(
        module: target.site.path, rank: target.rank, limit: target.inputs, method: Self.name)
    }
    let drawn = Int(truncatingIfNeeded: shared.seed) ^ pathHash(target.path(to: "paca"))
    var generator = TorchGenerator(seed: seed ?? drawn)
    let columns = generator.permutation(of: target.inputs, first: target.rank).sorted()
    let indices = Tensor(columns.map { Int64($0) }, shape: [target.rank])
    let weight = target.layer.weight.detached()
    return PaCAMap(
      columns: target.parameter(
        "paca_w", weight.columns(columns).scaled(by: 1 / target.scaling)),
      indices: target.buffer("paca_indices", indices), scaling: target.scaling)
  }

  /// r out.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * target.rows.count
  }
}

private struct PaCAMap: WeightMap {
  let columns: Parameter
  let indices: Parameter
  let scaling: Double

  var parameters: [Parameter] { [columns] }
  var buffers: [Parameter] { [indices] }

  /// s P − W[:, idx].
  private func change(_ base: Tensor) -> Tensor {
    columns().scaled(by: scaling) - base.columns(indices.value.integers)
  }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    base + change(base).spread(indices.value.integers, over: layer.site.inputs)
  }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    layer.plain(x, context)
      + linear(x.columns(indices.value.integers), weight: change(layer.weight))
  }
}

extension Tensor {
  /// Entries of the last axis by number.
  func columns(_ numbers: [Int]) -> Tensor {
    gathered(axis: rank - 1, indices: Tensor(numbers.map { Int32($0) }, shape: [numbers.count]))
  }

  /// The entries of the last axis at numbered places of a longer one that is zero elsewhere.
  func spread(_ places: [Int], over count: Int) -> Tensor {
    var sources = [Int](repeating: 0, count: count)
    for (index, place) in places.enumerated() where place < count { sources[place] = index + 1 }
    return padded(axis: rank - 1, before: 1, after: 0).columns(sources)
  }
}
