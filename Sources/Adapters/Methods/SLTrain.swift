package import Layers
package import Recipes
import Tensors

/// A low-rank update and a sparse one together (after SLTrain, arXiv 2406.02214, equation 1):
/// ΔW = s B A + S, s = α/r.
///
/// A `[r, in]` and B `[rows, r]` start as LoRA's. S is zero but for a share `density` of its entries, at places
/// that are drawn once: `sparse_weight` `[n]`, zero at first, `sparse_indices` i32 `[n]`, their numbers in
/// row-major order. SLTrain trains from scratch, where s B A + S is the whole weight and S is drawn;
/// beside a pretrained weight, which stays frozen here, it is an update. That is this project's form.
package struct SLTrain: RecordsOptions {
  package static let name = "sltrain"
  package static let summary = "low-rank and sparse update together (after SLTrain)"
  package static let isExperimental = true
  package static let options = LowRank.options(rank: 8).adding([
    Option(
      "density", .number, default: 0.01, range: .within(0.0...1),
      "Share of the entries that the sparse part trains.")
  ])
  package static let peftType = "SLTRAIN"
  package static let capabilities: AdapterCapabilities = [.linear, .rows, .mergeable, .zeroStart]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let density: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(options)
    density = options.number("density")
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let count = entries(of: target)
    let places = SparsePositions.random(
      count: count, rows: target.rows.count, columns: target.inputs,
      seed: Int(truncatingIfNeeded: shared.seed) ^ pathHash(target.path(to: Self.name)))
    return LowRankAndSparse(
      pair: LoRADelta(target),
      sparse: SparseDelta(
        values: target.parameter("sparse_weight", [count], .zeros),
        indices: target.buffer(
          "sparse_indices", Tensor(places.sorted().map { Int32($0) }, shape: [count]))))
  }

  /// r (in + rows) and the sparse entries.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * (target.inputs + target.rows.count) + entries(of: target)
  }

  /// A file's own number; one at least.
  private func entries(of target: AdapterTarget) -> Int {
    let share = Double(target.rows.count * target.inputs) * density
    return target.stored["sparse_weight"]?.first ?? max(1, Int(share.rounded()))
  }
}

private struct LowRankAndSparse: WeightDelta {
  let pair: LoRADelta
  let sparse: SparseDelta

  var parameters: [Parameter] { pair.parameters + sparse.parameters }
  var buffers: [Parameter] { sparse.buffers }

  func delta(_ layer: SiteRows) -> Tensor { pair.delta(layer) + sparse.delta(layer) }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    pair.output(x, of: layer, outputs: outputs, context: context)
      + layer.applied(sparse.delta(layer), bias: nil, to: x, outputs: outputs)
  }
}
