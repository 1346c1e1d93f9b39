package import Recipes

/// Metrics over the independent units of one split, whatever their evidence.
package protocol MetricCollector: Sendable {
  /// Adds the units of another collector of the same metrics.
  mutating func merge(_ other: Self)
  /// Every number of every metric over all units, with intervals over resampled units.
  func results(bootstrap: Bootstrap) -> [RunRecord.Metric]
  /// Name to one value per unit, in their order; without figures of single classes, and without
  /// the numbers that no unit has alone.
  var perUnit: [String: [Double]] { get }
  /// Decisions over all units; nil where nothing is decided for one class.
  var confusion: ConfusionMatrix? { get }
  /// Decisions of each unit as `UnitDecisions` takes them; nil likewise.
  var decisions: [[Int]]? { get }
}

extension MetricCollector {
  package var confusion: ConfusionMatrix? { nil }
  package var decisions: [[Int]]? { nil }
}
