extension RunRecord {
  /// Samples whose largest probability lies in `[lower, upper)`; the last bin holds 1 too.
  ///
  /// The points of a reliability diagram (Guo and others 2017, arXiv 1706.04599, section 2).
  package struct CalibrationBin: Codable, Sendable, Equatable {
    package var lower: Double
    package var upper: Double
    /// Samples or pixels.
    package var count: Int
    /// Mean of the largest probabilities; nil in an empty bin.
    package var meanConfidence: Double?
    /// Share of samples whose decision is right; nil in an empty bin.
    package var accuracy: Double?

    package init(
      lower: Double, upper: Double, count: Int, meanConfidence: Double?, accuracy: Double?
    ) {
      self.lower = lower
      self.upper = upper
      self.count = count
      self.meanConfidence = meanConfidence
      self.accuracy = accuracy
    }
  }
}
