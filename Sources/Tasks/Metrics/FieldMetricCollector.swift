package import Recipes

/// Several metrics over the units of one split: values with intervals, per unit, and per frame.
package struct FieldMetricCollector: Sendable {
  private var columns: [any MetricColumn]
  private let dataUnit: String
  private let suffix: String

  /// - Parameters:
  ///   - metrics: what to measure.
  ///   - suffix: set behind every name, as `_rollout`.
  ///   - dataUnit: unit of the values that will be added, printed with metrics that carry it.
  ///   - byFrame: also measure each frame on its own, as a trajectory of one frame.
  package init(
    _ metrics: [any FieldMetric.Type], suffix: String = "", dataUnit: String, byFrame: Bool = false
  ) {
    columns = metrics.map { Self.column($0, byFrame: byFrame) }
    self.dataUnit = dataUnit
    self.suffix = suffix
  }

  private static func column<M: FieldMetric>(_: M.Type, byFrame: Bool) -> any MetricColumn {
    Column<M>(byFrame: byFrame)
  }

  /// Adds one independent unit: a trajectory or an image.
  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    for index in columns.indices { columns[index].add(prediction: prediction, truth: truth) }
  }

  /// Appends the units of another collector of the same metrics.
  package mutating func merge(_ other: FieldMetricCollector) {
    for (index, column) in other.columns.enumerated() { columns[index].append(column) }
  }

  /// Every output of every metric over all units.
  package func results(bootstrap: Bootstrap) -> [RunRecord.Metric] {
    columns.flatMap { $0.results(bootstrap, suffix: suffix, dataUnit: dataUnit) }
  }

  /// Output name to one value per unit, in the order in which they were added.
  package var perUnit: [String: [Double]] { named { $0.perUnit } }

  /// Output name to one value per frame over all units; empty without `byFrame`.
  package var byFrame: [String: [Double]] { named { $0.byFrame }.filter { !$0.value.isEmpty } }

  private func named(_ values: (any MetricColumn) -> [[Double]]) -> [String: [Double]] {
    var table: [String: [Double]] = [:]
    for column in columns {
      for (output, series) in zip(column.outputs, values(column)) {
        table[output + suffix] = series
      }
    }
    return table
  }
}

/// One metric of a collector, whatever its type.
private protocol MetricColumn: Sendable {
  var outputs: [String] { get }
  mutating func add(prediction: Trajectory, truth: Trajectory)
  mutating func append(_ other: any MetricColumn)
  func results(_ bootstrap: Bootstrap, suffix: String, dataUnit: String) -> [RunRecord.Metric]
  /// One array for each output.
  var perUnit: [[Double]] { get }
  var byFrame: [[Double]] { get }
}

private struct Column<M: FieldMetric>: MetricColumn {
  private var units: [M] = []
  private var frames: [M] = []
  private let measuresFrames: Bool

  init(byFrame: Bool) { measuresFrames = byFrame }

  var outputs: [String] { M.outputs }

  mutating func add(prediction: Trajectory, truth: Trajectory) {
    var unit = M()
    unit.add(prediction: prediction, truth: truth)
    units.append(unit)
    guard measuresFrames else { return }
    for frame in 0..<truth.shape.frames {
      if frame == frames.count { frames.append(M()) }
      frames[frame].add(prediction: prediction.frame(frame), truth: truth.frame(frame))
    }
  }

  mutating func append(_ other: any MetricColumn) {
    guard let other = other as? Self else {
      preconditionFailure("merging collectors of different metrics: \(outputs), \(other.outputs)")
    }
    units += other.units
    for (index, frame) in other.frames.enumerated() {
      if index == frames.count { frames.append(M()) }
      frames[index].merge(frame)
    }
  }

  func results(
    _ bootstrap: Bootstrap, suffix: String, dataUnit: String
  ) -> [RunRecord.Metric] {
    var whole = M()
    for unit in units { whole.merge(unit) }
    let intervals = M.hasInterval ? bootstrap.intervals(of: units) : M.outputs.map { _ in nil }
    return zip(M.outputs, whole.values).enumerated().map { index, output in
      RunRecord.Metric(
        name: output.0 + suffix, value: output.1, ciLower: intervals[index]?.lower,
        ciUpper: intervals[index]?.upper, count: units.count,
        unit: M.unit.text(dataUnit: dataUnit), lowerIsBetter: M.lowerIsBetter, formula: M.formula)
    }
  }

  var perUnit: [[Double]] { M.outputs.indices.map { output in units.map { $0.values[output] } } }

  var byFrame: [[Double]] { M.outputs.indices.map { output in frames.map { $0.values[output] } } }
}
