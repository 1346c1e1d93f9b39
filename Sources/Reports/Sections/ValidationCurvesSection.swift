internal import Recipes

extension ComparisonSection {
  /// The chosen runs' monitored metric over steps, a figure per seed.
  static let validationCurves = ComparisonSection(title: "Validation during training") {
    comparison in
    let seeds = Set(comparison.arms.flatMap(\.seeds)).sorted()
    return seeds.flatMap { seed in
      let runs = comparison.arms.compactMap { arm in
        arm.run(seed: seed).map { (arm.name, $0.document) }
      }
      let metrics = Set(runs.compactMap { $0.1.monitored?.name }).sorted()
      return metrics.compactMap { figure(runs, $0, seed: seed) }
    }
  }

  private static func figure(
    _ runs: [(name: String, document: RunDocument)], _ metric: String, seed: Int
  ) -> Block? {
    let series = runs.map { name, document in
      Chart.Series(
        name: name,
        points: document.evaluations.compactMap { event in
          event.metrics[metric].map { Chart.Point(Double(event.step), $0) }
        })
    }.filter { $0.points.count > 1 }
    guard !series.isEmpty else { return nil }
    let words =
      "\(metric) over steps, seed \(seed): "
      + series.map { series in
        let best = Numbers.significant(series.points[series.points.count - 1].y)
        return "\(series.name) ends at \(best)"
      }.joined(separator: ", ")
    let name = metric.map { $0.isLetter || $0.isNumber ? String($0) : "-" }.joined()
    return .figure(
      Figure(
        name: "validation-\(seed)-\(name)",
        svg: Chart(x: "step", y: metric, series: series).svg(alternative: words),
        alternative: words, caption: "\(metric) over steps, seed \(seed)."))
  }
}
