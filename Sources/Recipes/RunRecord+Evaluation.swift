extension RunRecord {
  /// The metrics of one split for the model and for the trivial baseline.
  package struct Evaluation: Codable, Sendable, Equatable {
    package var split: String
    /// `best` or `last`, with its step.
    package var checkpoint: String
    package var step: Int
    /// The task's headline metric: the key of an entry of `metrics`.
    package var headline: String
    package var metrics: [Metric]
    /// Name of the trivial baseline (`last state`, `majority class`).
    package var baselineName: String
    package var baseline: [Metric]
    /// What `perUnit` is indexed by: trajectories, scenes, images.
    package var unitIdentifiers: [String]
    /// Metric name to one value per unit, for paired comparisons.
    package var perUnit: [String: [Double]]
    package var baselinePerUnit: [String: [Double]]
    /// Error by rollout step (1-based position in the array), metric name to values.
    package var byRolloutStep: [String: [Double]]
    /// The same for the trivial baseline.
    package var baselineByRolloutStep: [String: [Double]] = [:]
    /// Counts of samples or pixels, truth by row and prediction by column; nil without classes.
    package var confusion: [[Int]]?
    /// What rows and columns of `confusion` are called.
    package var classNames: [String]?
    /// Decisions of each unit, `[cell, count, cell, count, …]` with the cells
    /// truth · classes + prediction that are not zero; −1 stands for samples without a prediction.
    package var unitDecisions: [[Int]]?
    /// Bins of the largest probability over the whole part, from 0 to 1; nil where ECE is not measured.
    package var calibration: [CalibrationBin]?
    package var seconds: Double
    package init(
      split: String, checkpoint: String, step: Int, headline: String, metrics: [Metric],
      baselineName: String, baseline: [Metric], unitIdentifiers: [String],
      perUnit: [String: [Double]], baselinePerUnit: [String: [Double]],
      byRolloutStep: [String: [Double]], seconds: Double
    ) {
      self.split = split
      self.checkpoint = checkpoint
      self.step = step
      self.headline = headline
      self.metrics = metrics
      self.baselineName = baselineName
      self.baseline = baseline
      self.unitIdentifiers = unitIdentifiers
      self.perUnit = perUnit
      self.baselinePerUnit = baselinePerUnit
      self.byRolloutStep = byRolloutStep
      self.seconds = seconds
    }
  }
}
