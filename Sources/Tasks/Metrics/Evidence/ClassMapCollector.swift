package import Recipes

/// Predicted class rasters beside true ones: values with intervals, and per unit.
package struct ClassMapCollector: MetricCollector {
  private let metrics: [any ClassMetric.Type]
  private let classNames: [String]
  private var units = UnitList<Evidence>()

  /// What is kept of a unit.
  private struct Evidence: Sendable {
    let decisions: DecisionCounts
    let mapSums: [[Double]]
    let scoreSums: [[Double]]
  }

  /// - Parameters:
  ///   - metrics: what to measure: confusion and map metrics, and sums of scores, for which every
  ///     map must come with probabilities.
  ///   - classNames: names of the K classes, in the order of their numbers.
  package init(_ metrics: [any ClassMetric.Type], classNames: [String]) {
    for metric in metrics {
      precondition(Self.takes(metric), "\(metric.name) does not judge class maps")
    }
    self.metrics = metrics
    self.classNames = classNames
  }

  /// Whether the metric judges class maps; rank metrics would have to keep each pixel's scores.
  package static func takes(_ metric: any Metric.Type) -> Bool {
    metric is any ConfusionMetric.Type || metric is any MapSumMetric.Type
      || metric is any ScoreSumMetric.Type
  }

  /// A unit without maps that keeps what the metrics need.
  package func makeUnit() -> ClassMapUnit {
    ClassMapUnit(
      classes: classNames.count, mapMetrics: metrics.compactMap { $0 as? any MapSumMetric.Type },
      scoreMetrics: metrics.compactMap { $0 as? any ScoreSumMetric.Type })
  }

  /// Adds one independent unit, made by `makeUnit`; `number` is its place in the split.
  package mutating func add(_ unit: ClassMapUnit, number: Int? = nil) {
    precondition(
      unit.isMade(by: makeUnit()), "a unit made for other metrics or classes than the collector's")
    units.append(
      Evidence(decisions: unit.decisions, mapSums: unit.mapSums, scoreSums: unit.scoreSums),
      number: number)
  }

  package mutating func merge(_ other: ClassMapCollector) { units.merge(other.units) }

  package func results(bootstrap: Bootstrap) -> [RunRecord.Metric] {
    unitResults.records(bootstrap)
  }

  package var perUnit: [String: [Double]] { unitResults.perUnit }

  package var confusion: ConfusionMatrix? { confusionEvidence(units.ordered).whole }

  package var decisions: [[Int]]? { units.ordered.map(\.decisions.row) }

  package var calibration: [RunRecord.CalibrationBin]? {
    Self.calibration(metrics, units.ordered.map(\.scoreSums))
  }

  private func confusionEvidence(_ units: [Evidence]) -> ConfusionEvidence {
    ConfusionEvidence(
      metrics.compactMap { $0 as? any ConfusionMetric.Type }, classes: classNames.count,
      units: units.map(\.decisions))
  }

  private var unitResults: UnitResults {
    let units = units.ordered
    return UnitResults(
      families: [
        confusionEvidence(units),
        SumEvidence(
          metrics.compactMap { $0 as? any MapSumMetric.Type }, classes: classNames.count,
          units: units.map(\.mapSums)),
        SumEvidence(
          metrics.compactMap { $0 as? any ScoreSumMetric.Type }, classes: classNames.count,
          units: units.map(\.scoreSums)),
      ], metrics: metrics, classNames: classNames, units: units.count)
  }
}
