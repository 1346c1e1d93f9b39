internal import Recipes

extension ComparisonSection {
  /// What a trained parameter buys: headline metric over trained parameters.
  static let accuracyAgainstParameters = ComparisonSection(
    title: "Accuracy against trained parameters"
  ) { comparison in
    comparison.pools.enumerated().flatMap { index, pool -> [Block] in
      guard pool.arms.count > 1 else { return [] }
      return pool.metrics.map { figure(pool, $0, group: index + 1) }
    }
  }

  private static func figure(_ pool: Comparison.Pool, _ metric: String, group: Int) -> Block {
    let series = pool.arms.map { arm in
      Chart.Series(
        name: arm.name,
        points: arm.runs.compactMap { run in
          run.evaluation.metric(metric).map {
            Chart.Point(
              Double(run.document.record.model.trainableParameters), $0.value, lower: $0.ciLower,
              upper: $0.ciUpper)
          }
        }, style: .marks)
    }
    let words =
      "\(metric) over trained parameters: "
      + series.compactMap { series in
        series.points.isEmpty
          ? nil
          : "\(series.name) \(Numbers.meanAndSpread(series.points.map(\.y))) with "
            + Numbers.count(Int(series.points[0].x))
      }.joined(separator: ", ")
    let chart = Chart(x: "trained parameters", .logarithmic, y: metric, series: series)
    return .figure(
      Figure(
        name: "parameters-\(group)-\(metric)", svg: chart.svg(alternative: words),
        alternative: words,
        caption: "\(metric) over trained parameters. Bars: 95 % intervals; one mark per seed."))
  }
}
