package import Layers

/// Everything that determines a training run besides model and data.
package struct TrainingPlan: Sendable {
  /// A rate of its own for some parameters; the first match wins.
  package struct RateGroup: Sendable {
    package var patterns: [Pattern]
    package var learningRate: Double?
    package var weightDecay: Double?

    package init(patterns: [Pattern], learningRate: Double?, weightDecay: Double?) {
      self.patterns = patterns
      self.learningRate = learningRate
      self.weightDecay = weightDecay
    }
  }

  /// The value that decides which checkpoint is best.
  package struct Monitor: Sendable {
    /// `val/VRMSE`, `train/loss`.
    package var name: String
    package var lowerIsBetter: Bool

    package init(name: String, lowerIsBetter: Bool) {
      self.name = name
      self.lowerIsBetter = lowerIsBetter
    }
  }

  package var seed: UInt64
  package var threads: Int
  /// Samples that a thread takes through the model at a time; nil for all of its part of the batch.
  ///
  /// Few samples at a time keep activations in the caches and memory small.
  package var samplesPerPass: Int?
  package var totalSteps: Int
  package var stepsPerEpoch: Int
  package var accumulationSteps: Int
  package var gradientNormLimit: Double?
  package var rateGroups: [RateGroup]
  package var monitor: Monitor
  package var earlyStopping: (patience: Int, minimumDelta: Double)?
  package var logEvery: Int
  package var evaluateEvery: Int
  package var saveEvery: Int
  package var savesKept: Int
  /// Steps with a loss that is not finite which may be skipped.
  package var skippableSteps: Int

  package init(
    seed: UInt64, threads: Int, totalSteps: Int, stepsPerEpoch: Int, monitor: Monitor,
    accumulationSteps: Int = 1, gradientNormLimit: Double? = nil, rateGroups: [RateGroup] = [],
    earlyStopping: (patience: Int, minimumDelta: Double)? = nil, logEvery: Int = 50,
    evaluateEvery: Int = .max, saveEvery: Int = .max, savesKept: Int = 2, skippableSteps: Int = 0,
    samplesPerPass: Int? = nil
  ) {
    self.seed = seed
    self.threads = threads
    self.totalSteps = totalSteps
    self.stepsPerEpoch = stepsPerEpoch
    self.monitor = monitor
    self.accumulationSteps = accumulationSteps
    self.gradientNormLimit = gradientNormLimit
    self.rateGroups = rateGroups
    self.earlyStopping = earlyStopping
    self.logEvery = logEvery
    self.evaluateEvery = evaluateEvery
    self.saveEvery = saveEvery
    self.savesKept = savesKept
    self.skippableSteps = skippableSteps
    self.samplesPerPass = samplesPerPass
  }
}
