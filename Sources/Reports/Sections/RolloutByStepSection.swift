internal import Recipes

extension ComparisonSection {
  /// How the arms' errors grow when predictions are fed back: a figure per seed and metric.
  static let rolloutByStep = ComparisonSection(title: "Error by rollout step") { comparison in
    comparison.pools.enumerated().flatMap { index, pool in
      pool.seeds.flatMap { seed in figures(pool, seed: seed, group: index + 1) }
    }
  }

  private static func figures(_ pool: Comparison.Pool, seed: Int, group: Int) -> [Block] {
    let runs = pool.arms.compactMap { arm in arm.run(seed: seed).map { (arm.name, $0.evaluation) } }
    let metrics = Set(runs.flatMap { $0.1.byRolloutStep.keys }).sorted()
    return metrics.compactMap { metric in
      var series = runs.compactMap { name, evaluation in
        evaluation.byRolloutStep[metric].map {
          Chart.Series(name: name, points: RolloutSeries.points($0))
        }
      }
      guard series.contains(where: { $0.points.count > 1 }) else { return nil }
      let trivial = runs.lazy.compactMap { run in
        run.1.baselineByRolloutStep[metric].map { (run.1.baselineName, $0) }
      }.first
      if let (name, values) = trivial {
        series.append(
          Chart.Series(name: name, points: RolloutSeries.points(values), style: .reference))
      }
      let words = "\(metric) by rollout step, seed \(seed): " + ends(series)
      return .figure(
        Figure(
          name: "rollout-\(group)-\(seed)-\(metric)",
          svg: Chart(x: "rollout step", y: metric, series: series).svg(alternative: words),
          alternative: words, caption: "\(metric) by rollout step, seed \(seed)."))
    }
  }

  private static func ends(_ series: [Chart.Series]) -> String {
    series.compactMap { series in
      series.points.last.map { "\(series.name) ends at \(Numbers.significant($0.y))" }
    }.joined(separator: ", ")
  }
}
