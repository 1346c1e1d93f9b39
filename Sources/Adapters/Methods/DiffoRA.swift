package import Layers
package import Recipes
import Tensors

/// LoRA on the modules that a short search finds worth it (DiffoRA, arXiv 2502.08905; from the abstract, so
/// that relaxation and search are decisions of this project): W' = W + s σ(γ) B A while searching, s B A
/// afterwards on the modules that are kept, W on the others.
///
/// `lora_A`, `lora_B` start as LoRA's, the module's γ `diffora_gamma` `[1]` at zero. In the first `search_steps`
/// steps pairs and gates are trained in turn, each on batches of its own, pairs in even steps (first-order
/// alternation; both from the training part, since a run trains on nothing else). Then the `keep` modules
/// of largest γ stay, their gates going over into B so that they go on from where they are, and the others
/// lose their pairs. `diffora_state` `[1]` says what a module is: 2 searched, 1 kept, 0 left alone.
package struct DiffoRA: RecordsOptions {
  package static let name = "diffora"
  package static let summary = "LoRA on the modules that a search by gates keeps (DiffoRA)"
  package static let isExperimental = true
  package static let options = LowRank.options(rank: 8).adding([
    Option(
      "keep", .number, default: 0.5, range: .within(0...1),
      "Share of the modules that keep their pair, at least one."),
    Option(
      "search_steps", .integer, default: 200, range: .atLeast(2),
      "Steps of the search, pairs and gates in turn."),
  ])
  package static let peftType = "DIFFORA"
  package static let capabilities: AdapterCapabilities = [
    .linear, .convolution2D, .convolution3D, .rows, .mergeable, .zeroStart,
  ]
  package static let trainingOptions: Set<String> = ["keep", "search_steps"]

  package let reader: OptionReader
  package let lowRank: LowRank?
  private let share: Double
  private let steps: Int

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    lowRank = LowRank(options)
    share = options.number("keep")
    steps = max(2, options.int("search_steps"))
  }

  package func makeChange(for target: AdapterTarget, _ shared: SharedValues) -> any SiteChange {
    SearchedPair(
      pair: LoRADelta(target), gamma: target.parameter("diffora_gamma", [1], .zeros),
      state: target.buffer("diffora_state", Tensor(filledWith: 2, shape: [1])))
  }

  /// r (in · kernel + rows) + 1.
  package func trainableCount(for target: AdapterTarget) -> Int {
    target.rank * (target.inputs + target.rows.count) + 1
  }

  package func policy(of parameter: Parameter) -> UpdatePolicy {
    UpdatePolicy(decays: !parameter.path.hasSuffix("diffora_gamma"))
  }

  package func hooks(_ adapter: AttachedAdapter) -> [any TrainingHook] {
    let pairs = adapter.modules.compactMap { $0.change as? SearchedPair }
    let kept = max(1, Int((share * Double(pairs.count)).rounded()))
    return pairs.isEmpty ? [] : [GateSearch(pairs: pairs, kept: kept, steps: steps)]
  }
}

/// A pair under a gate.
private struct SearchedPair: WeightDelta {
  /// What a module is.
  enum State: Float { case left, kept, searched }

  let pair: LoRADelta
  let gamma: Parameter
  let state: Parameter

  var parameters: [Parameter] { pair.parameters + [gamma] }
  var buffers: [Parameter] { pair.buffers + [state] }
  var inputDropout: Dropout? { pair.inputDropout }

  var current: State {
    State(rawValue: state.value.cast(to: .f32).elements(as: Float.self)[0]) ?? .searched
  }

  func set(_ new: State) { state.value = Tensor([new.rawValue], shape: [1]) }

  /// σ(γ), or 1 and 0 after the search.
  private func gated(_ change: Tensor) -> Tensor {
    switch current {
    case .searched:
      let ones = [Int](repeating: 1, count: change.rank)
      return change * gamma().sigmoid().reshaped(to: ones).expanded(to: change.shape)
    case .kept: return change
    case .left: return change.scaled(by: 0)
    }
  }

  func delta(_ layer: SiteRows) -> Tensor { gated(pair.delta(layer)) }

  func output(
    _ x: Tensor, of layer: SiteRows, outputs: Int, context: ForwardContext
  ) -> Tensor { gated(pair.output(x, of: layer, outputs: outputs, context: context)) }
}

/// Trains pairs and gates in turn, then keeps the modules with the largest gates.
private struct GateSearch: TrainingHook {
  let pairs: [SearchedPair]
  let kept: Int
  let steps: Int

  func change(_ gradients: inout Gradients, step: Int, of total: Int) {
    for pair in pairs {
      let rests: [Parameter] =
        switch pair.current {
        case .searched: step % 2 == 0 ? [pair.gamma] : pair.pair.parameters
        case .kept: [pair.gamma]
        case .left: pair.parameters
        }
      for parameter in rests { gradients[parameter.leaf] = nil }
    }
  }

  func end(step: Int, of total: Int) {
    guard step == steps - 1 else { return }
    let gates = pairs.map { $0.gamma.value.cast(to: .f64).elements(as: Double.self)[0] }
    let order = pairs.indices.sorted { (gates[$0], $1) > (gates[$1], $0) }
    for (place, index) in order.enumerated() {
      let pair = pairs[index]
      guard place < kept else {
        pair.set(.left)
        pair.pair.up.value = Tensor(zeros: pair.pair.up.shape)
        continue
      }
      let gate = pair.gamma.value.sigmoid().cast(to: .f64).elements(as: Double.self)[0]
      pair.pair.up.value = pair.pair.up.value.scaled(by: gate)
      pair.set(.kept)
    }
  }
}
