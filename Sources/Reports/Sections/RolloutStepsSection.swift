internal import Recipes

extension RunSection {
  /// How the error grows when predictions are fed back.
  static let rolloutSteps = RunSection(title: "Error by rollout step") { run in
    guard let evaluation = run.mainEvaluation else { return [] }
    return evaluation.byRolloutStep.keys.sorted().compactMap { metric in
      guard let values = evaluation.byRolloutStep[metric], values.count > 1 else { return nil }
      var series = [Chart.Series(name: "model", points: RolloutSeries.points(values))]
      if let trivial = evaluation.baselineByRolloutStep[metric] {
        series.append(
          Chart.Series(
            name: evaluation.baselineName, points: RolloutSeries.points(trivial),
            style: .reference))
      }
      let words =
        "\(metric) by rollout step on the \(evaluation.split) part, from "
        + "\(Numbers.significant(values[0])) at step 1 to "
        + "\(Numbers.significant(values[values.count - 1])) at step \(values.count)"
      let chart = Chart(x: "rollout step", y: metric, series: series)
      return .figure(
        Figure(
          name: "rollout-\(metric)", svg: chart.svg(alternative: words), alternative: words,
          caption: words + "."))
    }
  }
}

/// Values by rollout step as points; the first is step 1.
enum RolloutSeries {
  static func points(_ values: [Double]) -> [Chart.Point] {
    values.enumerated().map { Chart.Point(Double($0 + 1), $1) }
  }
}
