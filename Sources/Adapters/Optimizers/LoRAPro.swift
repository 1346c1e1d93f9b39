package import Layers
package import Recipes
import Tensors

/// The step of full fine-tuning as far as a low-rank pair can take it (LoRA-Pro, arXiv 2407.18242):
/// the changes of A and B whose common effect on the weight is nearest to the weight's own.
///
/// With G_A, G_B the gradients of the pair, `PairGradient` gives what they say of the weight's gradient,
/// G̃. Adam's averages of G̃, as large as the weight, give its direction g = m̂ / (√v̂ + ε), and the pair
/// goes along the changes that are nearest to g, by the learning rate alone: `train.optimizer` does not
/// average them again and its limit on gradients does not count them. The averages lie in checkpoints,
/// not in the adapter's file. The program sets s to 2 in its formulas; here s is the module's.
package struct LoRAPro: AdapterOptimizer {
  package static let name = "lora-pro"
  package static let summary =
    "changes of a pair nearest to the step of full fine-tuning (LoRA-Pro)"
  package static let options: OptionTable = [
    Option(
      "betas", .list(.number, count: 2...2), default: [0.9, 0.999],
      "Decay of the averages of the weight's gradient and its square."),
    Option("eps", .number, default: 1e-8, range: .above(0), "Added to the root."),
  ]

  private let betas: (Double, Double)
  private let epsilon: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    let betas = options.numbers("betas")
    self.betas = betas.count == 2 ? (betas[0], betas[1]) : (0.9, 0.999)
    epsilon = options.number("eps")
    if betas.contains(where: { !(0..<1).contains($0) }) {
      diagnostics.error(
        .rule("betas \(betas) must lie in [0, 1)", mend: "Adam's are [0.9, 0.999]"),
        at: options.location, path: options.path + ".betas")
    }
  }

  package func state(
    _ modules: [(target: AdapterTarget, change: any SiteChange)]
  ) -> [Parameter] {
    modules.filter { $0.change is LoRADelta }.flatMap { FullAverages($0.target).parameters }
  }

  package func policy(_ policy: UpdatePolicy, of parameter: Parameter) -> UpdatePolicy {
    var changed = policy
    changed.isPlain = true
    return changed
  }

  package func hooks(_ adapter: AttachedAdapter) throws(AdapterError) -> [any TrainingHook] {
    func refuse(_ module: String, _ reason: String) -> AdapterError {
      .unsupported(module: module, method: Self.name, reason: reason)
    }
    guard let method = adapter.method as? LoRA, method.form == .pair else {
      throw refuse(
        "adapter.optimizer",
        "its rule is for the pairs of method lora without lora_bias, use_dora and use_kasa. Choose that"
      )
    }
    guard adapter.settings.schedule == nil else {
      throw refuse(
        "adapter.optimizer",
        "the schedule changes the same values around a step. Leave one of them out")
    }
    if let target = adapter.modules.map(\.target).first(where: { $0.site.groupCount > 1 }) {
      throw refuse(
        target.site.path,
        "the pair of a convolution in groups is no product of two matrices. Leave it out of "
          + "target_modules")
    }
    let kept = Dictionary(uniqueKeysWithValues: adapter.state.map { ($0.path, $0) })
    var pairs: [LoRAProHook.Pair] = []
    for (target, change) in adapter.modules {
      guard let delta = change as? LoRADelta,
        let averages = FullAverages(target, known: kept)
      else { continue }
      pairs.append(
        LoRAProHook.Pair(
          down: delta.down, up: delta.up, scaling: delta.scaling, averages: averages))
    }
    return [LoRAProHook(pairs: pairs, betas: betas, epsilon: epsilon)]
  }
}

/// Adam's averages of one weight's gradient.
private struct FullAverages: Sendable {
  /// `[rows, in · kernel]`.
  let first: Parameter
  let second: Parameter
  /// Steps seen, `[1]`.
  let steps: Parameter

  var parameters: [Parameter] { [first, second, steps] }

  init(_ target: AdapterTarget) {
    func zeros(_ name: String, _ shape: [Int]) -> Parameter {
      Parameter(
        path: target.path(to: name), shape: shape, initialization: .zeros, isBuffer: true)
    }
    let shape = [target.rows.count, target.inputs]
    first = zeros("lora_pro.first", shape)
    second = zeros("lora_pro.second", shape)
    steps = zeros("lora_pro.steps", [1])
  }

  /// Those that the adapter keeps; nil where it has none for the target.
  init?(_ target: AdapterTarget, known: [String: Parameter]) {
    guard let first = known[target.path(to: "lora_pro.first")],
      let second = known[target.path(to: "lora_pro.second")],
      let steps = known[target.path(to: "lora_pro.steps")]
    else { return nil }
    (self.first, self.second, self.steps) = (first, second, steps)
  }
}

/// Puts the changes of pairs in the place of their gradients.
private struct LoRAProHook: TrainingHook {
  struct Pair: Sendable {
    let down: Parameter
    let up: Parameter
    let scaling: Double
    let averages: FullAverages
  }

  let pairs: [Pair]
  let betas: (Double, Double)
  let epsilon: Double

  func change(_ gradients: inout Gradients, step: Int, of total: Int) {
    for pair in pairs {
      guard let ofDown = gradients[pair.down.leaf], let ofUp = gradients[pair.up.leaf],
        ofDown.isFinite, ofUp.isFinite
      else { continue }
      let projection = PairGradient(
        down: pair.down.value, up: pair.up.value, scaling: pair.scaling)
      let seen = projection.changes(ofDown: ofDown, ofUp: ofUp, isBalanced: false)
      let direction = direction(projection.effect(seen), pair.averages)
      let found = projection.changes(
        ofDown: projection.ofDown(direction), ofUp: projection.ofUp(direction), isBalanced: true)
      gradients[pair.down.leaf] = found.down.reshaped(to: pair.down.shape)
      gradients[pair.up.leaf] = found.up.reshaped(to: pair.up.shape)
    }
  }

  /// m̂ / (√v̂ + ε) after a gradient.
  private func direction(_ gradient: Tensor, _ averages: FullAverages) -> Tensor {
    let count = averages.steps.value.elements(as: Float.self)[0] + 1
    averages.steps.value = Tensor([count], shape: [1])
    func power(_ base: Double) -> Double {
      (0..<Int(count)).reduce(1.0) { value, _ in value * base }
    }
    let (first, second) = (averages.first.value.copied(), averages.second.value.copied())
    let result = Tensor(uninitialized: gradient.shape)
    let (b1, b2, e) = (Float(betas.0), Float(betas.1), Float(epsilon))
    let (c1, c2) = (Float(1 / (1 - power(betas.0))), Float(1 / (1 - power(betas.1))))
    gradient.withElements(of: Float.self) { g in
      first.withMutableElements(of: Float.self) { m in
        second.withMutableElements(of: Float.self) { v in
          result.withMutableElements(of: Float.self) { result in
            for place in g.indices {
              m[place] = b1 * m[place] + (1 - b1) * g[place]
              v[place] = b2 * v[place] + (1 - b2) * g[place] * g[place]
              result[place] = c1 * m[place] / ((c2 * v[place]).squareRoot() + e)
            }
          }
        }
      }
    }
    (averages.first.value, averages.second.value) = (first, second)
    return result
  }
}
