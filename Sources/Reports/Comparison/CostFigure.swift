internal import Recipes

/// What a metric costs: its value over some expense, one mark per run, with the front of arms that none
/// beats in both.
struct CostFigure {
  /// Name of the axis with its unit.
  let title: String
  /// Begins the name of the file.
  let file: String
  let cost: (RunRecord) -> Double
  /// A cost in words.
  let words: (Double) -> String

  func block(_ pool: Comparison.Pool, _ metric: String, group: Int) -> Block {
    let series = pool.arms.map { arm in
      Chart.Series(
        name: arm.name,
        points: arm.runs.compactMap { run in
          run.evaluation.metric(metric).map {
            Chart.Point(cost(run.document.record), $0.value, lower: $0.ciLower, upper: $0.ciUpper)
          }
        }, style: .marks)
    }.filter { !$0.points.isEmpty }
    let means = series.map { series in
      (cost: Numbers.mean(series.points.map(\.x)), value: Numbers.mean(series.points.map(\.y)))
    }
    let reported = pool.arms.lazy.flatMap(\.runs).compactMap { $0.evaluation.metric(metric) }.first
    let front = ParetoFront.indices(of: means, lowerIsBetter: reported?.lowerIsBetter ?? true)
    let line = Chart.Series(
      name: "Pareto front", points: steps(front.map { means[$0] }),
      style: .front)
    let arms = zip(series, means).map { series, mean in
      "\(series.name) \(Numbers.meanAndSpread(series.points.map(\.y))) with \(words(mean.cost))"
    }
    let onFront = front.map { series[$0].name }.joined(separator: ", ")
    let alternative =
      "\(metric) over \(title): \(arms.joined(separator: ", ")); no other arm is better and cheaper "
      + "than \(onFront)"
    let costs = series.flatMap(\.points).map(\.x)
    let trivial = baseline(pool, metric, from: costs.min() ?? 0, to: costs.max() ?? 0)
    let chart = Chart(
      x: title, Axis.scale(fitting: costs), y: metric,
      series: (front.count > 1 ? [line] : []) + series + (trivial.map { [$0] } ?? []))
    return .figure(
      Figure(
        name: "\(file)-\(group)-\(metric)", svg: chart.svg(alternative: alternative),
        alternative: alternative,
        caption: "\(metric) over \(title). Bars: 95 % intervals; one mark per seed. On the Pareto "
          + "front, where no other arm is better and cheaper by the means: \(onFront)."
          + (trivial.map { " Dashed: the trivial \($0.name), which trains nothing." } ?? "")))
  }

  /// What the trivial baseline reaches, the mean over seeds drawn over the whole range of
  /// costs, since it has none itself.
  private func baseline(
    _ pool: Comparison.Pool, _ metric: String, from least: Double, to most: Double
  ) -> Chart.Series? {
    let evaluations = pool.seeds.compactMap { seed in
      pool.arms.lazy.compactMap { $0.run(seed: seed)?.evaluation }.first
    }
    let values = evaluations.compactMap { $0.baselineMetric(metric)?.value }.filter(\.isFinite)
    guard let name = evaluations.first?.baselineName, !values.isEmpty else { return nil }
    let mean = Numbers.mean(values)
    return Chart.Series(
      name: "baseline: \(name)", points: [Chart.Point(least, mean), Chart.Point(most, mean)],
      style: .reference)
  }

  /// The front as stairs: between two arms nothing better than the cheaper one is known.
  private func steps(_ front: [ParetoFront.Choice]) -> [Chart.Point] {
    front.enumerated().flatMap { index, choice in
      (index == 0 ? [] : [Chart.Point(choice.cost, front[index - 1].value)])
        + [Chart.Point(choice.cost, choice.value)]
    }
  }

  /// One figure for each pool of several arms and each of its metrics.
  func blocks(_ comparison: Comparison) -> [Block] {
    comparison.pools.enumerated().flatMap { index, pool -> [Block] in
      guard pool.arms.count > 1 else { return [] }
      return pool.metrics.map { block(pool, $0, group: index + 1) }
    }
  }
}
