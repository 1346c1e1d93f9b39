/// How often each label of a unit is true, predicted, and both.
struct LabelCountEvidence: UnitEvidence {
  let countMetrics: [any ClassCountMetric.Type]
  private let labels: Int
  /// For each label: both, true, predicted; then the samples without a decision.
  private let rows: SumRows

  init(_ metrics: [any ClassCountMetric.Type], labels: Int, units: [[Double]]) {
    countMetrics = metrics
    self.labels = labels
    rows = SumRows(units, length: 3 * labels + 1)
  }

  var metrics: [any ClassMetric.Type] { countMetrics }

  func figures(weights: [Int32]) -> [Double] { figures(of: rows.total(weights: weights)) }

  func figures(unit: Int) -> [Double] { figures(of: rows[unit]) }

  private func figures(of sums: [Double]) -> [Double] {
    let counts = ClassCounts(
      truePositives: (0..<labels).map { Int(sums[3 * $0]) },
      actual: (0..<labels).map { Int(sums[3 * $0 + 1]) },
      predicted: (0..<labels).map { Int(sums[3 * $0 + 2]) })
    let figures = countMetrics.flatMap { [$0.value(of: counts)] + ($0.perClass(counts) ?? []) }
    return sums[3 * labels] == 0 ? figures : figures.map { _ in .nan }
  }
}
