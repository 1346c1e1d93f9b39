package import Layers
package import Recipes
package import Tensors

/// Ranks by what each layer contributes to a task (arXiv 2408.01099; FAIG: arXiv 2108.01389).
///
/// The contribution cᵢ of a layer is the mean over the entries of its weight of FAIG,
/// |(1/N) (θ̄ − θ) Σₜ ∂L(θ(t))/∂θ| with θ(t) = (t/N) θ̄ + (1 − t/N) θ, t = 0..N−1, between the
/// pretrained θ̄ and the weights θ after a short full training on the task, or of Taylor's one-point
/// |θ̄ ∂L/∂θ̄|; averaged over calibration samples. L is the recipe's loss, where FAIG's authors add up
/// squared errors. Ranks follow by `RankLaw`, which is this project's.
package struct Contribution: AdapterInitialization {
  package enum Source: String, Sendable, CaseIterable { case faig, taylor }

  package static let name = "contribution"
  package static let summary = "ranks by the contribution of each layer to the task, in a budget"
  package static let isExperimental = true
  package static let options: OptionTable = [
    Option(
      "source", .choice(Source.self), default: "faig",
      "faig: along the way to fully trained weights; taylor: at the pretrained ones alone."),
    Option("steps", .integer, default: 100, range: .atLeast(1), "Points of FAIG's integral."),
    Option("samples", .integer, default: 32, range: .atLeast(1), "Calibration samples."),
    Option(
      "budget", .number, default: 0.07, range: .within(0.0...1),
      "Trained values over those of the base."),
    Option("beta", .number, default: 0.5, range: .above(0), "Exponent of relative contributions."),
    Option(
      "delta_min", .number, default: 0, range: .within(0.0...1), "Least share of a layer's values."),
    Option("r_min", .integer, default: 0, range: .atLeast(0), "Least rank; 0 leaves layers alone."),
    Option(
      "tune_steps", .integer, default: 100, range: .atLeast(1),
      "Steps of the full training that FAIG compares with."),
    Option(
      "tune_lr", .number, default: 1e-4, range: .above(0), "Learning rate of that training."),
  ]
  package static let needs = CalibrationNeed.data

  private let source: Source
  private let steps: Int
  private let samples: Int
  private let law: RankLaw
  private let tuneSteps: Int
  private let tuneRate: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    source = options.choice("source", as: Source.self)
    steps = options.int("steps")
    samples = options.int("samples")
    law = RankLaw(
      budget: options.number("budget"), beta: options.number("beta"),
      least: options.number("delta_min"), leastRank: options.int("r_min"))
    tuneSteps = options.int("tune_steps")
    tuneRate = options.number("tune_lr")
  }

  package func prepared(
    _ targets: [AdapterTarget], _ plan: AdapterPreparation
  ) throws -> [AdapterTarget] {
    guard let probe = plan.probe else { return targets }
    let weights = targets.map(\.site.weight)
    let count = min(samples, probe.count)
    let scores: [Tensor]
    switch source {
    case .taylor: scores = try taylorScores(weights, probe, samples: count)
    case .faig:
      scores = try probe.tuned(steps: tuneSteps, learningRate: tuneRate, weights) { target in
        try faigScores(weights, target: target, steps: steps, probe, samples: count)
      }
    }
    let contributions = scores.map { $0.sum().scalar / Double($0.elementCount) }
    let ranks = law.ranks(
      contributions, sizes: targets.map { ($0.rows.count, $0.inputs) },
      beside: plan.trainedBeside, total: plan.total)
    return zip(targets, ranks).map { $0.ranked($1) }
  }
}

/// FAIG of parameters: their pretrained values against `target`, averaged over samples.
///
/// Every parameter must be marked trainable; values are as before afterwards.
package func faigScores(
  _ parameters: [Parameter], target: [Tensor], steps: Int, _ probe: any CalibrationProbe,
  samples: Int
) throws -> [Tensor] {
  let base = parameters.map(\.value)
  defer { for (parameter, value) in zip(parameters, base) { parameter.value = value } }
  let differences = zip(base, target).map { $0 - $1 }
  var sums = [[Tensor?]](
    repeating: [Tensor?](repeating: nil, count: parameters.count), count: samples)
  for step in 0..<steps {
    let share = Double(step) / Double(steps)
    for (index, parameter) in parameters.enumerated() {
      parameter.value = target[index] + differences[index].scaled(by: share)
    }
    for sample in 0..<samples {
      let gradients = try probe.gradients(sample: sample)
      for (index, parameter) in parameters.enumerated() {
        guard let gradient = gradients[parameter.leaf] else { continue }
        sums[sample][index] = sums[sample][index].map { $0 + gradient } ?? gradient
      }
    }
  }
  return parameters.indices.map { index in
    let perSample = sums.map { sum in
      let gradient = sum[index] ?? Tensor(zeros: parameters[index].shape)
      return (differences[index] * gradient).scaled(by: 1 / Double(steps)).magnitude()
    }
    return mean(perSample)
  }
}

/// |θ ∂L/∂θ| of parameters, averaged over samples.
package func taylorScores(
  _ parameters: [Parameter], _ probe: any CalibrationProbe, samples: Int
) throws -> [Tensor] {
  var perSample: [[Tensor]] = []
  for sample in 0..<samples {
    let gradients = try probe.gradients(sample: sample)
    perSample.append(
      parameters.map { parameter in
        let gradient = gradients[parameter.leaf] ?? Tensor(zeros: parameter.shape)
        return (parameter.value * gradient).magnitude()
      })
  }
  return parameters.indices.map { index in mean(perSample.map { $0[index] }) }
}

private func mean(_ tensors: [Tensor]) -> Tensor {
  let sum = tensors.dropFirst().reduce(tensors[0]) { $0 + $1 }
  return sum.scaled(by: 1 / Double(tensors.count))
}

extension Tensor {
  /// |x|, off the tape.
  fileprivate func magnitude() -> Tensor {
    let x = detached()
    return x.relu() + x.scaled(by: -1).relu()
  }
}

extension CalibrationProbe {
  /// Trains the model for some steps, gives `body` the values that weights then have, and brings all
  /// values back before.
  func tuned<Result>(
    steps: Int, learningRate: Double, _ weights: [Parameter],
    _ body: (_ target: [Tensor]) throws -> Result
  ) throws -> Result {
    let before = parameters.map { $0.value.copied() }
    let target: [Tensor]
    do {
      defer { for (parameter, value) in zip(parameters, before) { parameter.value = value } }
      try fineTune(steps: steps, learningRate: learningRate)
      target = weights.map { $0.value.copied() }
    }
    return try body(target)
  }
}

extension AdapterTarget {
  /// The same with another rank and no scaling beside it.
  package func ranked(_ rank: Int) -> AdapterTarget {
    AdapterTarget(
      site: site, rows: rows, rank: rank, alpha: Double(rank), dropout: dropout, scope: scope)
  }

  /// The same with another rank and α.
  package func ranked(_ rank: Int, alpha: Double) -> AdapterTarget {
    AdapterTarget(
      site: site, rows: rows, rank: rank, alpha: alpha,
      usesRankStabilizedScaling: usesRankStabilizedScaling, dropout: dropout, scope: scope)
  }
}
