package import Layers
package import Recipes
import Tensors

/// The weight's leading singular terms and some of its columns, trained together (after LOST, arXiv
/// 2508.02668): ΔW = γ (B A − B₀ A₀) + (1 − γ) D.
///
/// A `[r, in]` and B `[rows, r]` start as the r leading singular terms of W over γ, γ B₀ A₀ = U_r Σ_r V_rᵀ, and
/// B₀, A₀ stay beside them as frozen values. D is dense on the inputs whose columns in the rest
/// W − U_r Σ_r V_rᵀ are the longest, a share `columns` of all, and zero elsewhere: `lost_columns`
/// `[rows, c]`, zero at first, `lost_indices` i64 `[c]`.
///
/// LOST trains from scratch and drops what neither part holds; here the base weight stays whole and
/// frozen, so that the first output is its own. Mixing and the choice of columns are decisions after the
/// abstract.
package struct LOST: RecordsOptions {
  package static let name = "lost"
  package static let summary = "leading singular terms and dense columns of a weight (after LOST)"
  package static let isExperimental = true
  package static let options: OptionTable = [
    Option(
      "r", .integer, default: 8, range: .atLeast(1),
      aliases: ["rank", "lora_r", "lora_rank"], "Rank of the low-rank part."),
    Option(
      "gamma", .number, default: 0.5, range: .within(0.01...0.99),
      "Weight γ of the low-rank part; the columns have 1 − γ."),
    Option(
      "columns", .number, default: 0.01, range: .within(0.0...1),
      "Share of the inputs whose columns are trained, one at least."),
  ]
  package static let peftType = "LOST"
  package static let capabilities: AdapterCapabilities = [
    .linear, .rows, .mergeable, .zeroStart, .readsBase,
  ]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let gamma: Double
  private let share: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(of: options)
    gamma = options.number("gamma")
    share = options.number("columns")
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    try target.requireRank(target.rank, method: Self.name)
    let (rank, rows, count) = (target.rank, target.rows.count, columns(of: target))
    var whole = AdapterTarget(
      site: target.site, rows: target.rows, rank: rank, alpha: gamma * Double(rank),
      scope: target.scope)
    var chosen = [Int](repeating: 0, count: count)
    if target.stored.isEmpty {
      let parts = target.singularValues()
      whole.start = LowRankStart(parts, rank, scaling: gamma, isLargest: true)
      chosen = SparsePositions.largest(rest(parts, from: rank), count: count)
    } else {
      whole.start = LowRankStart(
        down: Tensor(zeros: [rank, target.inputs]), up: Tensor(zeros: [rows, rank]),
        isOffset: true)
    }
    return LowRankAndColumns(
      pair: LoRADelta(whole), columns: target.parameter("lost_columns", [rows, count], .zeros),
      indices: target.buffer(
        "lost_indices", Tensor(chosen.map { Int64($0) }, shape: [count])),
      scaling: 1 - gamma)
  }

  /// r (in + rows) + c rows.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * (target.inputs + target.rows.count) + columns(of: target) * target.rows.count
  }

  /// c: a file's own number, or the share of the inputs.
  private func columns(of target: AdapterTarget) -> Int {
    target.stored["lost_indices"]?.first
      ?? max(1, Int((Double(target.inputs) * share).rounded()))
  }

  /// Squared lengths of the columns of the weight without its leading terms, `[in]`.
  private func rest(_ parts: SingularValues, from rank: Int) -> Tensor {
    let terms = rank..<parts.values.shape[0]
    let inputs = parts.right.shape[1]
    guard !terms.isEmpty else { return Tensor(zeros: [inputs]) }
    let scaled = parts.right.sliced(axis: 0, terms)
      .rowsScaled(by: parts.values.sliced(axis: 0, terms))
    return (scaled * scaled).summed(over: [0]).reshaped(to: [inputs])
  }
}

private struct LowRankAndColumns: WeightDelta {
  let pair: LoRADelta
  /// `[rows, c]`.
  let columns: Parameter
  let indices: Parameter
  /// 1 − γ.
  let scaling: Double

  var parameters: [Parameter] { pair.parameters + [columns] }
  var buffers: [Parameter] { pair.buffers + [indices] }

  private func dense(_ layer: SiteRows) -> Tensor {
    columns().scaled(by: scaling).spread(indices.value.integers, over: layer.site.inputs)
  }

  func delta(_ layer: SiteRows) -> Tensor { pair.delta(layer) + dense(layer) }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let y = pair.output(x, of: layer, outputs: outputs, context: context)
    guard x.shape.last == layer.site.inputs else {
      return y + layer.applied(dense(layer), bias: nil, to: x, outputs: outputs)
    }
    let used = columns().scaled(by: scaling).sliced(axis: 0, 0..<outputs)
    return y + linear(x.columns(indices.value.integers), weight: used)
  }
}
