package import Layers
package import Recipes
import Tensors

/// Several low-rank experts mixed by a router for every token (LoRAMoE, arXiv 2312.09979):
/// y = W x + b + s Σ_i p_i B_i A_i x, p = softmax(G x), s = α/r.
///
/// `loramoe_A` `[N r, in]` has the experts' A behind one another, each uniform in ±1/√in at first,
/// `loramoe_B` `[rows, N r]` their B, zero at first; the router G is `loramoe_router` `[N, in]`, uniform
/// as A. Dropout acts on the experts' input alone. `balance_weight` adds the localized balance of
/// `ExpertBalance` for every layer: with `sample_type: first` the first half of the experts counts 1 + δ,
/// the second 1 − δ, with `second` the other way round; `none` counts all alike. All samples of a run are
/// of one type. The weights depend on the token, so that no weight can stand for the adapter.
package struct LoRAMoE: RecordsOptions {
  /// The kind of task that a run's samples belong to, for the balance of experts.
  enum SampleType: String, CaseIterable { case none, first, second }

  package static let name = "loramoe"
  package static let summary = "low-rank experts mixed by a router for every token (LoRAMoE)"
  package static let options = LowRank.options(rank: 4).adding([
    Option(
      "n_experts", .integer, default: 8, range: .atLeast(2), aliases: ["lora_nums"],
      "Experts N."),
    Option(
      "balance_weight", .number, default: 0.1, range: .atLeast(0), aliases: ["blc_weight"],
      "Weight of the experts' balance in the loss."),
    Option(
      "balance_delta", .number, default: 0.1, range: .within(0..<1), aliases: ["blc_alpha"],
      "How far the coefficients of the two halves of the experts differ from 1."),
    Option(
      "sample_type", .choice(SampleType.self), default: "none",
      "Half of the experts that the run's samples belong to; none balances all alike."),
  ])
  package static let peftType = "LORAMOE"
  package static let capabilities: AdapterCapabilities = [
    .linear, .rows, .zeroStart, .mixesSamples,
  ]
  package static let trainingOptions: Set<String> = [
    "balance_weight", "balance_delta", "sample_type",
  ]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let experts: Int
  private let balance: Double
  private let coefficients: [Double]

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(options)
    experts = max(2, options.int("n_experts"))
    balance = options.number("balance_weight")
    let type = options.choice("sample_type", as: SampleType.self)
    let delta = type == .none ? 0 : options.number("balance_delta")
    let (count, isFirst) = (experts, type == .first)
    coefficients = (0..<count).map { 1 + (($0 < count / 2) == isFirst ? delta : -delta) }
    if type != .none, experts % 2 != 0 {
      diagnostics.error(
        .rule(
          "n_experts \(experts) is odd, and sample_type parts the experts into halves",
          mend: "choose an even number"), at: options.location, path: options.path)
    }
  }

  package func makeChange(for target: AdapterTarget, _ shared: SharedValues) -> any SiteChange {
    let units = experts * target.rank
    return LoRAMoEDelta(
      down: target.parameter("loramoe_A", [units, target.inputs], .fanIn(target.inputs)),
      up: target.parameter("loramoe_B", [target.rows.count, units], .zeros),
      router: target.parameter("loramoe_router", [experts, target.inputs], .fanIn(target.inputs)),
      units: RoutedUnits(ranks: [Int](repeating: target.rank, count: experts)),
      balance: ExpertBalance(weight: balance, coefficients: coefficients),
      scaling: target.scaling, dropout: target.inputDropout)
  }

  /// N (r (in + rows) + in).
  package func trainableCount(for target: AdapterTarget) -> Int {
    experts * (target.rank * (target.inputs + target.rows.count) + target.inputs)
  }
}

private struct LoRAMoEDelta: WeightDelta {
  let down: Parameter
  let up: Parameter
  let router: Parameter
  let units: RoutedUnits
  let balance: ExpertBalance
  let scaling: Double
  let dropout: Dropout

  var parameters: [Parameter] { [down, up, router] }
  var inputDropout: Dropout? { dropout }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor {
    let columns = 0..<(x.shape.last ?? 0)
    let weights = linear(x, weight: router().sliced(axis: 1, columns)).softmax()
    balance.record(weights, context)
    let hidden = linear(dropout(x, context), weight: down().sliced(axis: 1, columns))
    return linear(
      units(hidden, weights: weights).scaled(by: scaling),
      weight: up().sliced(axis: 0, 0..<outputs))
  }

  func delta(_ layer: SiteRows) throws(UnmergeableDelta) -> Tensor {
    throw UnmergeableDelta(
      "the experts are mixed by what a token is, so that no weight can stand for them. Keep the "
        + "adapter beside the model")
  }

  func penalty(_ layer: SiteRows) -> Tensor? { balance.take() }
}
