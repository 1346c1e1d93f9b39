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
  /// Bins of a reliability diagram over all units; nil where ECE is not measured.
  var calibration: [RunRecord.CalibrationBin]? { get }
}

extension MetricCollector {
  package var confusion: ConfusionMatrix? { nil }
  package var decisions: [[Int]]? { nil }
  package var calibration: [RunRecord.CalibrationBin]? { nil }

  /// The bins of ECE among score metrics, from their sums in each unit, `[unit][metric][sum]`.
  static func calibration(
    _ metrics: [any ClassMetric.Type], _ units: [[[Double]]]
  ) -> [RunRecord.CalibrationBin]? {
    let scores = metrics.compactMap { $0 as? any ScoreSumMetric.Type }
    guard let index = scores.firstIndex(where: { $0 == ECE.self }), let first = units.first else {
      return nil
    }
    var total = [Double](repeating: 0, count: first[index].count)
    for unit in units {
      for place in total.indices { total[place] += unit[index][place] }
    }
    return ECE.calibration(of: total)
  }
}
