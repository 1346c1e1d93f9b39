package import Layers
package import Recipes
package import Tensors

/// The training loop: gradients, clipping, update, evaluation, checkpoints, events.
///
/// All state that a resume needs is in `state`, `optimizerState` and the parameters; order of data
/// and random numbers are functions of seed and step. Equal thread counts give equal bytes.
package struct Trainer {
  /// Where the loop gets batches: a pure function of the micro step.
  package typealias BatchProvider = (_ microStep: Int) throws -> Batch
  /// Metrics of the validation part by full name (`val/VRMSE`), empty where there is none.
  package typealias Evaluation = (_ step: Int) throws -> [String: Double]

  /// What happens outside numerics, each called at its time.
  package struct Observers {
    /// After every optimizer step.
    package var stepped: (StepEvent) throws -> Void = { _ in }
    /// Every `logEvery` steps and at the end.
    package var progressed: (Progress) -> Void = { _ in }
    package var evaluated: (MetricsEvent) throws -> Void = { _ in }
    /// Saves parameters and state; `isBest` after an evaluation better than all before.
    package var save: (_ trainer: Trainer, _ isBest: Bool) throws -> Void = { _, _ in }
    /// Asked before every step; several ranks stop together when one of them should.
    package var shouldStop: () -> Bool = { false }

    package init() {}
  }

  /// How one parameter is updated.
  private struct Setting {
    let parameter: Parameter
    let rate: Double
    let decay: Double
    /// As `UpdatePolicy.isPlain`.
    let isPlain: Bool
  }

  /// Where the loop stands.
  package struct Progress: Sendable {
    package var step: Int
    package var totalSteps: Int
    package var epoch: Double
    package var loss: Double
    package var learningRate: Double
    package var gradientNorm: Double
    /// Samples seen since the loop began.
    package var samples: Int
    /// Seconds since the loop began, and of these waited for data.
    package var seconds: Double
    package var waitingSeconds: Double
  }

  package enum Outcome: Sendable, Equatable {
    case finished
    /// On request, with a checkpoint.
    case stopped
  }

  private let plan: TrainingPlan
  private var schedule: Schedule
  private var optimizer: any Optimizer
  private let settings: [Setting]
  private let hooks: [any TrainingHook]
  private let loss: LossFunction
  private let ranks: any Communicator
  /// Nil for one rank alone.
  private let exchange: GradientExchange?
  package private(set) var state: TrainerState
  private var dataSeconds = 0.0
  private var samples = 0

  /// Prepares a run, or with `resuming` the rest of one whose parameters are already loaded.
  ///
  /// `trainable` are all parameters to train, in a fixed order; they get memory of their own. `hooks`
  /// are called around every step; `policies` say how updates of parameters depart from the optimizer's
  /// settings, by path. Without `resuming` the loop begins at `firstStep`, with an optimizer that
  /// remembers nothing. `ranks` share every batch and take the same steps; all of them start from the
  /// same values.
  package init(
    _ plan: TrainingPlan, schedule: Schedule, optimizer: any Optimizer, trainable: [Parameter],
    hooks: [any TrainingHook] = [], policies: [String: UpdatePolicy] = [:],
    resuming: LoadedState? = nil, firstStep: Int = 0, ranks: any Communicator = SingleRank(),
    loss: @escaping LossFunction
  ) throws(TrainingError) {
    guard !trainable.isEmpty else { throw .nothingToTrain }
    self.plan = plan
    self.schedule = schedule
    self.optimizer = optimizer
    self.loss = loss
    self.hooks = hooks
    self.ranks = ranks
    exchange = ranks.count > 1 ? GradientExchange(ranks, parameters: trainable) : nil
    settings = try Self.settings(trainable, plan.rateGroups, optimizer).map {
      let policy = policies[$0.parameter.path] ?? UpdatePolicy()
      return Setting(
        parameter: $0.parameter, rate: $0.rate * policy.rateFactor,
        decay: policy.decays ? $0.decay : 0, isPlain: policy.isPlain)
    }
    state = resuming?.state ?? TrainerState(step: firstStep)
    if let resuming {
      self.optimizer.state = resuming.optimizer
      self.schedule.plateau = resuming.state.plateau
    }
    for parameter in trainable { parameter.value = parameter.value.copied() }
  }

  /// Trains from the current state to the end of the plan, or until asked to stop.
  package mutating func run(
    batches: BatchProvider, evaluate: Evaluation, observers: Observers
  ) throws -> Outcome {
    let clock = ContinuousClock()
    let start = clock.now
    // An optimizer may have left some parameters out of the last steps.
    defer { for setting in settings { setting.parameter.isTrainable = true } }
    while state.step < plan.totalSteps, !state.isExhausted {
      let began = clock.now
      let taken: StepEvent?
      do {
        taken = try step(batches, shouldStop: observers.shouldStop, clock: clock)
      } catch let loss as any RankLoss {
        // The step has changed nothing yet, and whoever ended the others may end this one soon.
        try observers.save(self, false)
        throw loss
      }
      guard let event = taken else {
        try observers.save(self, false)
        return .stopped
      }
      state.trainSeconds += seconds(clock.now - began)
      try observers.stepped(event)
      let isLast = state.step == plan.totalSteps
      if state.step % plan.logEvery == 0 || isLast {
        observers.progressed(progress(event, elapsed: seconds(clock.now - start)))
      }
      if state.step % plan.evaluateEvery == 0 || isLast {
        try evaluateNow(event, evaluate, observers, elapsed: seconds(clock.now - start))
      }
      if state.step % plan.saveEvery == 0 || isLast || state.isExhausted {
        try observers.save(self, false)
      }
    }
    return .finished
  }

  // MARK: One step

  /// One step of the optimizer; nil, and nothing done, where a rank wants to stop.
  private mutating func step(
    _ batches: BatchProvider, shouldStop: () -> Bool, clock: ContinuousClock
  ) throws -> StepEvent? {
    let wantsStop = shouldStop()
    guard ranks.count > 1 || !wantsStop else { return nil }
    let waited = clock.now
    var microSteps = try (0..<plan.accumulationSteps).map {
      try batches(state.step * plan.accumulationSteps + $0)
    }.filter { $0.whole.count > 0 }
    dataSeconds += seconds(clock.now - waited)
    guard try agree(on: &microSteps, wantsStop: wantsStop) else { return nil }
    if optimizer.needsInputs, let batch = microSteps.first {
      optimizer.learn(
        inputLengths: inputLengths(batch, loss), parameters: settings.map(\.parameter))
    }
    optimizer.begin(
      step: state.step, seed: plan.seed, parameters: settings.map(\.parameter))
    for hook in hooks { hook.begin(step: state.step, of: plan.totalSteps) }
    let total = microSteps.reduce(0) { $0 + $1.whole.count }
    var (sum, gradients) = localGradients(microSteps, total: total)
    if let exchange {
      gradients = try exchange.finish(gradients)
      sum = try ranks.total([sum])[0]
    }
    samples += total
    for hook in hooks { hook.change(&gradients, step: state.step, of: plan.totalSteps) }
    let norm = settings.reduce(0.0) {
      $0 + ($1.isPlain ? 0 : gradients[$1.parameter.leaf]?.sumOfSquares() ?? 0)
    }.squareRoot()
    let isFinite = settings.allSatisfy {
      !$0.isPlain || gradients[$0.parameter.leaf]?.isFinite ?? true
    }
    let identifiers = microSteps.flatMap(\.whole)
    let rate = schedule.rate(base: optimizer.learningRate, step: state.step)
    if sum.isFinite && norm.isFinite && isFinite {
      update(gradients, norm: norm)
    } else {
      try skip(sum, gradients, identifiers)
    }
    for hook in hooks {
      hook.end(step: state.step, of: plan.totalSteps)
      for parameter in hook.forgotten(step: state.step, of: plan.totalSteps) {
        _ = optimizer.forget(parameter.path)
      }
    }
    state.step += 1
    state.recentLoss = sum
    return StepEvent(
      step: state.step,
      batch: String(SHA256Digest.of(identifiers.joined(separator: "\n")).prefix(16)), loss: sum,
      gradientNorm: norm,
      learningRate: rate)
  }

  /// What all ranks must know of each other before a step; false where one wants to stop.
  private func agree(on microSteps: inout [Batch], wantsStop: Bool) throws -> Bool {
    let names = Set(microSteps.flatMap(\.sums.keys)).sorted()
    var sums = microSteps.map { batch in names.map { batch.sums[$0] ?? 0 } }
    if ranks.count > 1 {
      let all = try ranks.total([wantsStop ? 1 : 0] + sums.flatMap { $0 })
      guard all[0] == 0 else { return false }
      let flat = all.dropFirst()
      sums = microSteps.indices.map { Array(flat.dropFirst($0 * names.count).prefix(names.count)) }
    }
    for index in microSteps.indices {
      microSteps[index].spread(
        Dictionary(uniqueKeysWithValues: zip(names, sums[index])))
    }
    return true
  }

  /// Loss and gradients of this rank's part, weighted by its share of the step's `total` samples.
  private func localGradients(
    _ microSteps: [Batch], total: Int
  ) -> (loss: Double, gradients: Gradients) {
    var (sum, gradients, first) = (0.0, Gradients(), 0)
    for (number, batch) in microSteps.enumerated() {
      let isLast = number == microSteps.count - 1
      if isLast { exchange?.open(before: gradients) }
      let part = shardedGradients(
        batch, threads: plan.threads, samplesPerPass: plan.samplesPerPass, seed: plan.seed,
        step: state.step, firstSample: first + batch.first, total: total,
        exchange: isLast ? exchange : nil, loss: loss)
      sum += part.loss
      gradients.add(part.gradients, weight: 1)
      first += batch.whole.count
    }
    return (sum, gradients)
  }

  private mutating func update(_ gradients: Gradients, norm: Double) {
    var factor = 1.0
    if let limit = plan.gradientNormLimit, norm > limit { factor = limit / (norm + 1e-6) }
    for setting in settings {
      guard let gradient = gradients[setting.parameter.leaf] else { continue }
      let rate = schedule.rate(base: setting.rate, step: state.step)
      guard !setting.isPlain else {
        setting.parameter.move(
          against: gradient, rate: rate, decay: rate * setting.decay)
        continue
      }
      optimizer.update(
        setting.parameter, gradient: gradient.scaled(by: factor), learningRate: rate,
        weightDecay: setting.decay)
    }
  }

  /// Leaves the step out if the plan allows, else names what is not finite.
  private mutating func skip(
    _ loss: Double, _ gradients: Gradients, _ identifiers: [String]
  ) throws(TrainingError) {
    state.skippedSteps += 1
    guard state.skippedSteps > plan.skippableSteps else { return }
    let bad = settings.first { gradients[$0.parameter.leaf].map { !$0.isFinite } ?? false }
    if loss.isFinite, let bad {
      throw .gradientNotFinite(step: state.step + 1, parameter: bad.parameter.path)
    }
    throw .lossNotFinite(step: state.step + 1, value: loss, samples: identifiers)
  }

  // MARK: Evaluation

  private mutating func evaluateNow(
    _ event: StepEvent, _ evaluate: Evaluation, _ observers: Observers, elapsed: Double
  ) throws {
    var metrics = try evaluate(state.step)
    metrics["train/loss"] = event.loss
    try observers.evaluated(
      MetricsEvent(
        step: state.step, epoch: epoch, seconds: elapsed, metrics: metrics))
    guard let value = metrics[plan.monitor.name] else { return }
    let signed = plan.monitor.lowerIsBetter ? value : -value
    schedule.observe(signed)
    state.plateau = schedule.plateau
    let margin = plan.earlyStopping?.minimumDelta ?? 0
    let isBetter = state.bestValue.map { signed < $0 - margin } ?? true
    if isBetter && signed.isFinite {
      state.bestValue = signed
      state.bestStep = state.step
      state.evaluationsWithoutGain = 0
      try observers.save(self, true)
    } else {
      state.evaluationsWithoutGain += 1
      if let patience = plan.earlyStopping?.patience, state.evaluationsWithoutGain >= patience {
        state.isExhausted = true
      }
    }
  }

  private var epoch: Double { Double(state.step) / Double(max(1, plan.stepsPerEpoch)) }

  /// Trained values that ever had a gradient other than zero.
  ///
  /// Parameters that a hook steps count in full.
  package var reachedCount: Int {
    let stepped = settings.filter(\.isPlain).reduce(0) { $0 + $1.parameter.elementCount }
    return optimizer.reachedCount + (state.step > 0 ? stepped : 0)
  }

  /// Moments and counts of the optimizer.
  package var optimizerState: OptimizerState { optimizer.state }

  private func progress(_ event: StepEvent, elapsed: Double) -> Progress {
    Progress(
      step: state.step, totalSteps: plan.totalSteps, epoch: epoch, loss: event.loss,
      learningRate: event.learningRate, gradientNorm: event.gradientNorm, samples: samples,
      seconds: elapsed, waitingSeconds: dataSeconds)
  }

  private static func settings(
    _ trainable: [Parameter], _ groups: [TrainingPlan.RateGroup], _ optimizer: any Optimizer
  ) throws(TrainingError) -> [(parameter: Parameter, rate: Double, decay: Double)] {
    for pattern in groups.flatMap(\.patterns)
    where !trainable.contains(where: { pattern.matches(parameter: $0.path) }) {
      throw .groupMatchesNothing(pattern: pattern.text)
    }
    return trainable.map { parameter in
      let group = groups.first { group in
        group.patterns.contains { $0.matches(parameter: parameter.path) }
      }
      return (
        parameter, group?.learningRate ?? optimizer.learningRate,
        group?.weightDecay ?? optimizer.weightDecay
      )
    }
  }
}

private func seconds(_ duration: Duration) -> Double {
  Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}
