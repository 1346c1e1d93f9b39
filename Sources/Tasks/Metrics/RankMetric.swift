/// A metric of the order of scores: of one class against the rest, or of all classes pooled.
package protocol RankMetric: ClassMetric {
  /// How the binary problems of K classes become one figure.
  static var averaging: RankAveraging { get }
  /// The figure of one binary problem; not a number where it is not defined.
  static func value(of ranking: WeightedRanking) -> Double
}

/// How a rank metric goes from one class against the rest to all classes.
package enum RankAveraging: Sendable {
  /// Mean over the classes for which the figure is defined.
  case macro
  /// As `macro`; with two classes, one of which is true, the second one's figure alone.
  case macroOrPositive
  /// All pairs of sample and class as one binary problem.
  case micro
}
