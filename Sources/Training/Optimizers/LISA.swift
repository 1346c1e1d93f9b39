package import Layers
package import Recipes
package import Tensors

/// AdamW over a few blocks at a time (layerwise importance sampled AdamW, arXiv 2403.17919).
///
/// Every K steps γ of the transformer's blocks are drawn, uniformly and without replacement; the others
/// get no gradient, and their averages are forgotten. What stands in no block (embedding, norms after the
/// blocks, head) is always trained. A step then computes gradients of γ blocks and keeps averages of
/// these alone. Meant for whole weights: `adapter: {method: none}` and `model.freeze_backbone: false`.
package struct LISA: Optimizer {
  package static let name = "lisa"
  package static let summary = "AdamW over blocks that are drawn every few steps"
  package static let options: OptionTable =
    AdamW.options.adding([
      Option("n_blocks", .integer, default: 2, range: .atLeast(1), "Blocks γ that are trained."),
      Option(
        "interval", .integer, default: 20, range: .atLeast(1),
        "Steps K after which other blocks are drawn."),
    ])

  package var learningRate: Double { inner.learningRate }
  package var weightDecay: Double { inner.weightDecay }
  private var inner: AdamW
  private let blockCount: Int
  private let interval: Int
  /// Values that had a gradient, of blocks whose averages are gone.
  private var reached: [String: Int] = [:]

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    inner = AdamW(options, diagnostics)
    blockCount = max(1, options.int("n_blocks"))
    interval = max(1, options.int("interval"))
  }

  package mutating func begin(step: Int, seed: UInt64, parameters: [Parameter]) {
    let blocks = Set(parameters.compactMap { Self.block(of: $0.path) }).sorted()
    var random = Philox(seed: seed, purpose: .schedule, step: step / interval, index: 0)
    let drawn = Set(random.permutation(blocks.count).prefix(blockCount).map { blocks[$0] })
    for parameter in parameters {
      let isTrained = Self.block(of: parameter.path).map { drawn.contains($0) } ?? true
      parameter.isTrainable = isTrained
      guard !isTrained, let count = inner.forget(parameter.path) else { continue }
      reached[parameter.path] = max(reached[parameter.path] ?? 0, count)
    }
  }

  package mutating func update(
    _ parameter: Parameter, gradient: Tensor, learningRate: Double, weightDecay: Double
  ) {
    reached[parameter.path] = nil
    inner.update(
      parameter, gradient: gradient, learningRate: learningRate, weightDecay: weightDecay)
  }

  package mutating func forget(_ path: String) -> Int? { inner.forget(path) }

  /// `blocks.3` of `blocks.3.attn.qkv.weight`; nil outside blocks.
  package static func block(of path: String) -> String? {
    let parts = path.split(separator: ".")
    guard let place = parts.firstIndex(where: { Int($0) != nil }), place > 0 else { return nil }
    return parts[...place].joined(separator: ".")
  }

  package var reachedCount: Int { inner.reachedCount + reached.values.reduce(0, +) }

  package var state: OptimizerState {
    get {
      var state = inner.state
      for (path, count) in reached { state.counts["reached." + path] = count }
      return state
    }
    set {
      inner.state = newValue
      reached = [:]
      for (name, count) in newValue.counts where name.hasPrefix("reached.") {
        reached[String(name.dropFirst("reached.".count))] = count
      }
    }
  }
}
