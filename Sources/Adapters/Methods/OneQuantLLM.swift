package import Layers
package import Recipes
import Synchronization
import Tensors

/// One training for several bit widths, with a low-rank pair for each (after One QuantLLM for ALL, arXiv
/// 2405.20202): W'_b = Q_b(W) + s B_b A_b.
///
/// Q_b rounds every row of W to its own grid of b bits (`AffineGrid`). `lora_A.b.weight` `[r, in]` and
/// `lora_B.b.weight` `[rows, r]` start as LoRA's. A step trains one width of every module; outside of steps
/// all modules have the width `serve`, which a run that starts from a file may change.
///
/// Which widths a step takes: with probability `balance` · t/T one that all modules share, else one drawn for
/// each. Drawn for each alone, nearly every step would have a mean width near the middle, and models of one
/// width would never be trained as such; the paper's schedule of rates has the same aim, its formula is a
/// decision of this project. A pair that a step leaves out is not updated.
package struct OneQuantLLM: RecordsOptions {
  package static let name = "one-quant-llm"
  package static let summary = "a low-rank pair for each bit width of one weight (One QuantLLM)"
  package static let isExperimental = true
  package static let options = LowRank.options(rank: 8).adding([
    Option(
      "bits", .list(.integer), default: [2, 3, 4], range: .within(2...8), "Widths, in any order."),
    Option(
      "serve", .integer, default: .described("the largest of bits"), range: .within(2...8),
      "Width of all modules in evaluation and when merged."),
    Option(
      "balance", .number, default: 0.5, range: .within(0.0...1),
      "Share of steps with one width for all modules at the end, growing from 0."),
  ])
  package static let peftType = "ONE_QUANT_LLM"
  package static let capabilities: AdapterCapabilities = [.linear, .mergeable, .readsBase]
  package static let trainingOptions: Set<String> = ["serve", "balance"]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let widths: [Int]
  private let served: Int
  private let balance: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(options)
    widths = Set(options.ints("bits")).sorted()
    balance = options.number("balance")
    let wanted = options.optionalInt("serve") ?? widths.last ?? 0
    served = widths.firstIndex(of: wanted) ?? 0
    if !widths.contains(wanted) {
      diagnostics.error(
        .rule(
          widths.isEmpty ? "bits names no width" : "serve \(wanted) is none of bits \(widths)",
          mend: "name the width in both"), at: options.location, path: options.path)
    }
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    let (weight, rank) = (target.layer.weight.detached(), target.rank)
    return WidthMap(
      arms: widths.map { bits in
        WidthMap.Arm(
          weight: GridWeight(
            weight, grids: AffineGrid.rows(of: weight, bits: bits), bits: bits),
          down: target.parameter(
            "lora_A.\(bits).weight", [rank, target.inputs], .fanIn(target.inputs)),
          up: target.parameter("lora_B.\(bits).weight", [target.rows.count, rank], .zeros))
      }, scaling: target.scaling, dropout: target.inputDropout, active: ActiveArm(served))
  }

  /// r (in + rows) for each width.
  package func trainableCount(for target: AdapterTarget) -> Int {
    widths.count * target.rank * (target.inputs + target.rows.count)
  }

  package func hooks(_ adapter: AttachedAdapter) -> [any TrainingHook] {
    [
      WidthHook(
        active: adapter.modules.compactMap { ($0.change as? WidthMap)?.active },
        count: widths.count, served: served, balance: balance, seed: adapter.seed)
    ]
  }
}

/// The number of the width that a module has now.
private final class ActiveArm: Sendable {
  private let number: Mutex<Int>

  init(_ number: Int) { self.number = Mutex(number) }

  var value: Int {
    get { number.withLock { $0 } }
    set { number.withLock { $0 = newValue } }
  }
}

/// A rounded weight of the active width with its pair.
private struct WidthMap: WeightMap {
  struct Arm {
    let weight: GridWeight
    let down: Parameter
    let up: Parameter
  }

  let arms: [Arm]
  let scaling: Double
  let dropout: Dropout
  let active: ActiveArm

  var parameters: [Parameter] { arms.flatMap { [$0.down, $0.up] } }

  func weight(_ base: Tensor, _ layer: SiteRows) -> Tensor {
    let arm = arms[active.value]
    return arm.weight.tensor(base.shape).cast(to: base.dtype)
      + matrixProduct(arm.up(), arm.down()).scaled(by: scaling)
  }

  func output(_ x: Tensor, of layer: SiteRows, context: ForwardContext) -> Tensor? {
    let arm = arms[active.value]
    let shape = [layer.rows.count, layer.site.inputs]
    let rounded = layer.remadeProduct(x, context) { arm.weight.tensor(shape) }
    let hidden = linear(dropout(x, context), weight: arm.down()).scaled(by: scaling)
    return rounded + linear(hidden, weight: arm.up())
  }
}

/// Draws the widths of a step.
private struct WidthHook: TrainingHook {
  let active: [ActiveArm]
  let count: Int
  let served: Int
  let balance: Double
  let seed: UInt64

  func begin(step: Int, of total: Int) {
    var stream = Philox(seed: seed, purpose: .schedule, step: step, index: 0)
    let isShared = stream.uniform() < balance * Double(step) / Double(max(1, total - 1))
    let common = stream.below(count)
    for module in active { module.value = isShared ? common : stream.below(count) }
  }

  func end(step: Int, of total: Int) { for module in active { module.value = served } }
}
