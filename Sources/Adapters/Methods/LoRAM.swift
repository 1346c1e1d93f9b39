package import Layers
package import Recipes
import Tensors

/// A low-rank pair trained on a pruned weight, used on the whole one (LoRAM, arXiv 2502.13533): in training
/// y = W_P x + s B A x with rows or columns of W left out, afterwards W' = W + s R(B) R(A), where R scatters
/// the rows of B or the columns of A back to their places, zero elsewhere.
///
/// `rows` and `columns` name the modules of which units are pruned: hidden channels of an MLP are rows of its
/// first layer and columns of its second. Modules of one parent whose pruned sides are equally long lose
/// the same units: those of least summed squared length (`prune: norm`), or drawn (`random`). A target that
/// neither names is adapted as by LoRA. `kept_indices` i64 `[kept]`; A is `[r, kept]` where columns are
/// pruned, B `[kept, r]` where rows are; first values as LoRA's. Outside of training the first output is the
/// base's.
///
/// The paper also trains the pruned model on for a while before (alignment), and prunes by gradients or
/// without structure: left out. What is saved in memory here are the activations and the products of a
/// step; the whole weight stays loaded, since evaluation is on it.
package struct LoRAM: RecordsOptions {
  package static let name = "loram"
  package static let summary = "LoRA trained on a pruned weight, used on the whole one (LoRAM)"
  package static let options = LowRank.options(rank: 8).adding([
    Option(
      "ratio", .number, default: 0.5, range: .within(0.0..<1), "Share of units that are pruned."),
    Option(
      "rows", .list(.pattern), default: ["mlp.fc1"], "Modules that lose outputs while training."),
    Option(
      "columns", .list(.pattern), default: ["mlp.fc2"], "Modules that lose inputs while training."),
    Option(
      "prune", .choice(Choice.self), default: "norm",
      "Which units go: those of least norm, or random ones."),
  ])
  package static let peftType = "LORAM"
  package static let capabilities: AdapterCapabilities = [
    .linear, .mergeable, .zeroStart, .readsBase,
  ]

  /// How units are chosen.
  package enum Choice: String, CaseIterable, Sendable { case norm, random }
  /// The side of a weight that loses units.
  fileprivate enum Side: Sendable { case rows, columns }

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let ratio: Double
  private let sides: [(pattern: Pattern, side: Side)]
  private let choice: Choice

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(options)
    ratio = options.number("ratio")
    choice = options.choice("prune", as: Choice.self)
    func patterns(_ name: String, _ side: Side) -> [(pattern: Pattern, side: Side)] {
      options.texts(name).compactMap { text in
        do {
          return (try Pattern(text), side)
        } catch {
          diagnostics.error(
            .rule("\(error)", mend: "see the rules of patterns"), at: options.location,
            path: options.path + "." + name)
          return nil
        }
      }
    }
    sides = patterns("rows", .rows) + patterns("columns", .columns)
  }

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    let kept = keptUnits(targets, seed: shared.seed)
    return targets.map { target in
      guard let side = side(of: target) else { return LoRADelta(target) }
      let stored = target.stored["kept_indices"]?.first
      let units =
        stored.map { [Int](repeating: 0, count: $0) } ?? kept[group(of: target, side)] ?? []
      return PrunedMap(target, side, kept: units)
    }
  }

  /// r (in + rows), the pruned side as long as what is kept of it.
  package func trainableCount(for target: AdapterTarget) -> Int {
    let (rows, inputs) = (target.rows.count, target.inputs)
    switch side(of: target) {
    case .rows: return target.rank * (inputs + keptCount(rows, target))
    case .columns: return target.rank * (keptCount(inputs, target) + rows)
    case nil: return target.rank * (inputs + rows)
    }
  }

  private func keptCount(_ size: Int, _ target: AdapterTarget) -> Int {
    target.stored["kept_indices"]?.first
      ?? max(1, size - Int((Double(size) * ratio).rounded()))
  }

  private func side(of target: AdapterTarget) -> Side? {
    sides.first {
      $0.pattern.matches(path: target.site.path, groups: target.site.groups)
    }?.side
  }

  /// Targets of one group lose the same units.
  private func group(of target: AdapterTarget, _ side: Side) -> String {
    let size = side == .rows ? target.rows.count : target.inputs
    return "\(parent(of: target.site.path)):\(size)"
  }

  /// Numbers of the units that stay, ascending, by group.
  private func keptUnits(_ targets: [AdapterTarget], seed: UInt64) -> [String: [Int]] {
    var scores: [String: [Double]] = [:]
    for target in targets {
      guard let side = side(of: target), target.stored.isEmpty else { continue }
      let weight = target.layer.weight.detached().cast(to: .f64)
      let squares = (weight * weight).summed(over: [side == .rows ? 1 : 0])
        .elements(as: Double.self)
      let group = group(of: target, side)
      scores[group] = scores[group].map { zip($0, squares).map(+) } ?? squares
    }
    var kept: [String: [Int]] = [:]
    for (group, scores) in scores {
      let count = max(1, scores.count - Int((Double(scores.count) * ratio).rounded()))
      switch choice {
      case .norm:
        kept[group] = scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }
          .prefix(count).sorted()
      case .random:
        var random = Philox(
          seed: seed, purpose: .initialization, step: 1, index: pathHash(group))
        kept[group] = random.permutation(scores.count).prefix(count).sorted()
      }
    }
    return kept
  }
}

/// A pair on the units that stay.
private struct PrunedMap: WeightMap {
  let side: LoRAM.Side
  /// i64 `[kept]`.
  let indices: Parameter
  let down: Parameter
  let up: Parameter
  let scaling: Double
  let dropout: Dropout
  private let packed = VersionedValue<FrozenWeight>()

  var parameters: [Parameter] { [down, up] }
  var buffers: [Parameter] { [indices] }

  init(_ target: AdapterTarget, _ side: LoRAM.Side, kept: [Int]) {
    self.side = side
    let count = kept.count
    indices = target.buffer(
      "kept_indices", Tensor(kept.map { Int64($0) }, shape: [count]))
    let inputs = side == .columns ? count : target.inputs
    let rows = side == .rows ? count : target.rows.count
    down = target.parameter("lora_A.weight", [target.rank, inputs], .fanIn(inputs))
    up = target.parameter("lora_B.weight", [rows, target.rank], .zeros)
    scaling = target.scaling
    dropout = target.inputDropout
  }

  private var kept: [Int] { indices.value.integers }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    let change = matrixProduct(up(), down()).scaled(by: scaling)
    switch side {
    case .rows: return base + change.transposed.spread(kept, over: base.shape[0]).transposed
    case .columns: return base + change.spread(kept, over: base.shape[1])
    }
  }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    let kept = kept
    let input = side == .columns ? x.columns(kept) : x
    let hidden = linear(dropout(input, context), weight: down()).scaled(by: scaling)
    let change = linear(hidden, weight: up())
    guard context.isTraining else {
      let plain = layer.plain(x, context)
      return plain + (side == .rows ? change.spread(kept, over: layer.rows.count) : change)
    }
    let rows = side == .rows
    let bias = layer.bias.map { rows ? $0.columns(kept) : $0 }
    let y = frozenLinear(
      input, weight: pruned(layer, kept, context.precision), bias: bias, type: input.dtype
    ).result
    return rows ? (y + change).spread(kept, over: layer.rows.count) : y + change
  }

  /// W without the units that are left out.
  private func pruned(
    _ layer: SiteRows, _ kept: [Int], _ precision: Precision
  ) -> FrozenWeight {
    let versions = (indices.version + layer.site.weight.version) * 2
    return packed.value(of: versions + (precision == .bf16 ? 1 : 0)) {
      let weight = layer.weight.detached()
      let part =
        side == .columns ? weight.columns(kept) : weight.transposed.columns(kept).transposed
      return Allocator.making { FrozenWeight(part.copied(), precision: precision) }
    }
  }
}
