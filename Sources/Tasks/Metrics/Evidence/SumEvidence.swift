/// Sums of each unit for several metrics, all in one row per unit.
struct SumEvidence: UnitEvidence {
  let summedMetrics: [any SummedMetric.Type]
  private let classes: Int
  private let rows: SumRows

  /// - Parameters:
  ///   - metrics: what to compute.
  ///   - classes: K.
  ///   - units: for each unit the sums of each metric.
  init(_ metrics: [any SummedMetric.Type], classes: Int, units: [[[Double]]]) {
    summedMetrics = metrics
    self.classes = classes
    rows = SumRows(
      units.map { $0.flatMap { $0 } },
      length: metrics.reduce(0) { $0 + $1.sumCount(classes: classes) })
  }

  var metrics: [any ClassMetric.Type] { summedMetrics }

  func figures(weights: [Int32]) -> [Double] { figures(of: rows.total(weights: weights)) }

  func figures(unit: Int) -> [Double] { figures(of: rows[unit]) }

  private func figures(of sums: [Double]) -> [Double] {
    var rest = sums[...]
    return summedMetrics.flatMap { metric in
      let length = metric.sumCount(classes: classes)
      defer { rest = rest.dropFirst(length) }
      return metric.figures(of: Array(rest.prefix(length)), classes: classes)
    }
  }
}
