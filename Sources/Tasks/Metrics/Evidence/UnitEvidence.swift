internal import Recipes

/// What the metrics of one family say of any selection of units.
protocol UnitEvidence: Sendable {
  var metrics: [any ClassMetric.Type] { get }
  /// Every number of every metric, in their order, over units that count `weights` times each,
  /// `[unit]`.
  func figures(weights: [Int32]) -> [Double]
  /// The same of one unit alone.
  func figures(unit: Int) -> [Double]
}

/// Results over the units of a collector: values, intervals, and figures per unit.
struct UnitResults: Sendable {
  /// In the order of the collector's metrics, with the families that hold their evidence.
  let families: [any UnitEvidence]
  let metrics: [any ClassMetric.Type]
  let classNames: [String]
  let units: Int

  /// Every number of every metric over all units, each resample of the bootstrap drawn once.
  func records(_ bootstrap: Bootstrap) -> [RunRecord.Metric] {
    let values = figures(weights: [Int32](repeating: 1, count: units))
    var weights = [Int32](repeating: 0, count: units)
    let intervals = bootstrap.intervals(units: units, outputs: values.count) { draws in
      for unit in weights.indices { weights[unit] = 0 }
      for unit in draws { weights[unit] += 1 }
      return figures(weights: weights)
    }
    var records: [String: [RunRecord.Metric]] = [:]
    var position = 0
    for metric in families.flatMap(\.metrics) {
      records[metric.name] = metric.outputs(classNames: classNames).enumerated().map {
        index, name in
        defer { position += 1 }
        let value = values[position]
        // A share of resamples may miss what makes the value undefined; it has no spread then.
        let interval = metric.hasInterval && !value.isNaN ? intervals[position] : nil
        return RunRecord.Metric(
          name: name, value: value, ciLower: interval?.lower, ciUpper: interval?.upper,
          count: units, unit: metric.unit.text(dataUnit: ""), lowerIsBetter: metric.lowerIsBetter,
          formula: metric.formula)
      }
    }
    return metrics.flatMap { records[$0.name] ?? [] }
  }

  /// Name to one value per unit, for the numbers of all classes that at least one unit has on its
  /// own; figures of single classes would make up most of a run's record.
  var perUnit: [String: [Double]] {
    let rows = (0..<units).map { unit in families.flatMap { $0.figures(unit: unit) } }
    var table: [String: [Double]] = [:]
    let names = families.flatMap(\.metrics).flatMap { metric in
      metric.outputs(classNames: classNames).enumerated().map { index, name in
        index < metric.outputs.count ? name : nil
      }
    }
    for (index, name) in names.enumerated() {
      guard let name else { continue }
      let series = rows.map { $0[index] }
      if series.contains(where: { !$0.isNaN }) { table[name] = series }
    }
    return table
  }

  private func figures(weights: [Int32]) -> [Double] {
    families.flatMap { $0.figures(weights: weights) }
  }
}
