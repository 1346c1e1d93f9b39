package import Layers
package import Recipes
package import Tensors

/// AdamW: Adam with decoupled weight decay (arXiv 1711.05101, algorithm 2), as PyTorch computes it.
///
/// Moments and step counts are kept for each parameter, so that one without a gradient in some
/// step is left alone entirely.
package struct AdamW: Optimizer {
  package static let name = "adamw"
  package static let summary = "Adam with decoupled weight decay"
  package static let options: OptionTable = [
    Option(
      "lr", .number, default: .required, range: .atLeast(0), aliases: ["learning_rate"],
      "Learning rate at the height of the schedule."),
    Option(
      "betas", .list(.number, count: 2...2), default: [0.9, 0.999],
      "Decay of the averages of gradient and squared gradient."),
    Option("eps", .number, default: 1e-8, range: .above(0), "Added to the root."),
    Option(
      "weight_decay", .number, default: 0.01, range: .atLeast(0), aliases: ["wd"],
      "Decoupled decay: the value shrinks by lr times this in each step."),
  ]

  package let learningRate: Double
  package let weightDecay: Double
  private let betas: (Double, Double)
  private let epsilon: Double

  private struct Moments {
    var first: Tensor
    var second: Tensor
    var steps: Int
  }
  private var moments: [String: Moments] = [:]

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    let betas = options.numbers("betas")
    self.init(
      learningRate: options.number("lr"), betas: betas.count == 2 ? betas : [0.9, 0.999],
      epsilon: options.number("eps"), weightDecay: options.number("weight_decay"))
    if betas.contains(where: { !(0..<1).contains($0) }) {
      diagnostics.error(
        .rule("betas \(betas) must lie in [0, 1)", mend: "PyTorch's are [0.9, 0.999]"),
        at: options.location, path: options.path + ".betas")
    }
  }

  package init(
    learningRate: Double, betas: [Double] = [0.9, 0.999], epsilon: Double = 1e-8,
    weightDecay: Double = 0.01
  ) {
    self.learningRate = learningRate
    self.betas = (betas[0], betas[1])
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  package mutating func update(
    _ parameter: Parameter, gradient: Tensor, learningRate: Double, weightDecay: Double
  ) {
    var moment =
      moments[parameter.path]
      ?? Moments(
        first: Tensor(zeros: parameter.shape), second: Tensor(zeros: parameter.shape), steps: 0)
    moment.steps += 1
    adamWStep(
      value: parameter.value, first: moment.first, second: moment.second, gradient: gradient,
      learningRate: learningRate, betas: betas, epsilon: epsilon, weightDecay: weightDecay,
      step: moment.steps)
    parameter.valueChanged()
    moments[parameter.path] = moment
  }

  package mutating func forget(_ path: String) -> Int? {
    moments.removeValue(forKey: path).map { Self.reached($0) }
  }

  package var reachedCount: Int {
    moments.values.reduce(0) { $0 + Self.reached($1) }
  }

  private static func reached(_ moments: Moments) -> Int {
    moments.second.withElements(of: Float.self) { $0.count { $0 != 0 } }
  }

  package var state: OptimizerState {
    get {
      let paths = moments.keys.sorted()
      return OptimizerState(
        tensors: paths.flatMap { path -> [(name: String, value: Tensor)] in
          guard let moment = moments[path] else { return [] }
          return [("first.\(path)", moment.first), ("second.\(path)", moment.second)]
        },
        counts: moments.mapValues(\.steps))
    }
    set {
      let tensors = Dictionary(uniqueKeysWithValues: newValue.tensors.map { ($0.name, $0.value) })
      moments = [:]
      for (path, steps) in newValue.counts {
        guard let first = tensors["first.\(path)"], let second = tensors["second.\(path)"] else {
          continue
        }
        moments[path] = Moments(
          first: first.copied(), second: second.copied(), steps: steps)
      }
    }
  }
}
