package import Recipes

/// Several metrics over the units of one split: values with intervals, per unit, and per frame.
package struct FieldMetricCollector: MetricCollector {
  private let metrics: [any FieldMetric.Type]
  private var units = UnitList<FieldUnit>()
  private let dataUnit: String
  private let suffix: String
  private let measuresFrames: Bool
  private let comparison: ImageComparison

  /// - Parameters:
  ///   - metrics: what to measure.
  ///   - suffix: set behind every name, as `_rollout`.
  ///   - dataUnit: unit of the values that will be added, printed with metrics that carry it.
  ///   - byFrame: also measure each frame on its own, as a trajectory of one frame.
  ///   - comparison: what of images is compared; everything as it is where nothing is said.
  package init(
    _ metrics: [any FieldMetric.Type], suffix: String = "", dataUnit: String, byFrame: Bool = false,
    comparison: ImageComparison = ImageComparison()
  ) {
    self.metrics = metrics
    self.dataUnit = dataUnit
    self.suffix = suffix
    measuresFrames = byFrame
    self.comparison = comparison
  }

  /// Adds one independent unit: a trajectory or an image; `number` is its place in the split.
  package mutating func add(prediction: Trajectory, truth: Trajectory, number: Int? = nil) {
    let (prediction, truth) = (comparison.prepared(prediction), comparison.prepared(truth))
    func measured(_ prediction: Trajectory, _ truth: Trajectory) -> [any FieldMetric] {
      metrics.map { metric in
        var unit = metric.init()
        unit.add(prediction: prediction, truth: truth)
        return unit
      }
    }
    let frames = measuresFrames ? 0..<truth.shape.frames : 0..<0
    units.append(
      FieldUnit(
        whole: measured(prediction, truth),
        frames: frames.map { measured(prediction.frame($0), truth.frame($0)) }), number: number)
  }

  package mutating func merge(_ other: FieldMetricCollector) { units.merge(other.units) }

  package func results(bootstrap: Bootstrap) -> [RunRecord.Metric] {
    let columns = columns
    let values = columns.flatMap(\.whole)
    let intervals = bootstrap.intervals(units: units.count, outputs: values.count) { draws in
      columns.flatMap { $0.values(of: draws) }
    }
    let outputs = metrics.flatMap { metric in metric.outputs.map { (name: $0, metric: metric) } }
    return outputs.enumerated().map { index, output in
      let metric = output.metric
      let interval = metric.hasInterval ? intervals[index] : nil
      return RunRecord.Metric(
        name: output.name + suffix, value: values[index], ciLower: interval?.lower,
        ciUpper: interval?.upper, count: units.count, unit: metric.unit.text(dataUnit: dataUnit),
        lowerIsBetter: metric.lowerIsBetter, formula: metric.formula + comparison.note)
    }
  }

  package var perUnit: [String: [Double]] { named { $0.perUnit } }

  /// Output name to one value per frame over all units; empty without `byFrame`.
  package var byFrame: [String: [Double]] { named { $0.byFrame }.filter { !$0.value.isEmpty } }

  private func named(_ values: (any MetricColumn) -> [[Double]]) -> [String: [Double]] {
    var table: [String: [Double]] = [:]
    for (metric, column) in zip(metrics, columns) {
      for (output, series) in zip(metric.outputs, values(column)) {
        table[output + suffix] = series
      }
    }
    return table
  }

  private var columns: [any MetricColumn] {
    func column<M: FieldMetric>(_: M.Type, _ index: Int, _ units: [FieldUnit]) -> any MetricColumn {
      Column<M>(
        units: units.compactMap { $0.whole[index] as? M },
        frames: units.map { $0.frames.compactMap { $0[index] as? M } })
    }
    let ordered = units.ordered
    return metrics.enumerated().map { index, metric in column(metric, index, ordered) }
  }
}

/// Accumulators that saw one unit, `[metric]`, and each of its frames, `[frame][metric]`.
private struct FieldUnit: Sendable {
  let whole: [any FieldMetric]
  let frames: [[any FieldMetric]]
}

/// One metric of a collector, whatever its type; one number, or one array, for each of its outputs.
private protocol MetricColumn: Sendable {
  /// Over all units.
  var whole: [Double] { get }
  /// Over the units of a resample.
  func values(of draws: [Int]) -> [Double]
  var perUnit: [[Double]] { get }
  var byFrame: [[Double]] { get }
}

private struct Column<M: FieldMetric>: MetricColumn {
  let units: [M]
  let frames: [[M]]

  var whole: [Double] { merged(units).values }

  func values(of draws: [Int]) -> [Double] {
    var whole = M()
    for unit in draws { whole.merge(units[unit]) }
    return whole.values
  }

  var perUnit: [[Double]] { M.outputs.indices.map { output in units.map { $0.values[output] } } }

  var byFrame: [[Double]] {
    let longest = frames.map(\.count).max() ?? 0
    let values = (0..<longest).map { frame in
      merged(frames.compactMap { $0.indices.contains(frame) ? $0[frame] : nil }).values
    }
    return M.outputs.indices.map { output in values.map { $0[output] } }
  }

  private func merged(_ accumulators: [M]) -> M {
    accumulators.reduce(into: M()) { $0.merge($1) }
  }
}
