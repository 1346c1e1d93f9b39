internal import Recipes

extension RunSection {
  /// Every metric of every evaluated part beside the trivial baseline, and what each one means.
  static let results = RunSection(title: "Results") { run in
    let evaluations = run.record.evaluations
    guard !evaluations.isEmpty else { return [] }
    var blocks = evaluations.map { Block.table(table($0, run.record)) }
    blocks.append(.heading("Definitions (p prediction, y truth)"))
    blocks.append(definitions(evaluations.flatMap(\.overallMetrics)))
    return blocks
  }

  private static func table(_ evaluation: RunRecord.Evaluation, _ record: RunRecord) -> Table {
    let hasBaseline = !evaluation.baseline.isEmpty
    let hasUnits = evaluation.overallMetrics.contains { !$0.unit.isEmpty }
    let columns: [Table.Column] =
      [.text("metric"), .number("model")]
      + (hasBaseline ? [.number("baseline: \(evaluation.baselineName)")] : [])
      + (hasUnits ? [.text("unit")] : []) + [.text("better"), .number("units")]
    let metrics = evaluation.overallMetrics
    let ordered =
      metrics.filter { $0.name == evaluation.headline }
      + metrics.filter { $0.name != evaluation.headline }
    let rows = ordered.map { metric in
      let trivial = evaluation.baselineMetric(metric.name)
      return Table.Row(
        [metric.name, estimate(metric)] + (hasBaseline ? [trivial.map(estimate) ?? ""] : [])
          + (hasUnits ? [metric.unit] : [])
          + [metric.lowerIsBetter ? "lower" : "higher", Numbers.count(metric.count)],
        metric.name == evaluation.headline ? .strong : .none)
    }
    let hasIntervals = evaluation.metrics.contains { $0.ciLower != nil }
    return Table(
      "Part \(evaluation.split), \(evaluation.checkpoint) checkpoint (step "
        + "\(Numbers.count(evaluation.step)))",
      columns: columns, rows: rows,
      note: hasIntervals
        ? "In brackets: 95 % interval, percentile bootstrap over "
          + "\(evaluation.unitName(in: record)). The headline metric stands first." : nil)
  }

  private static func estimate(_ metric: RunRecord.Metric) -> String {
    Numbers.estimate(metric.value, metric.ciLower, metric.ciUpper)
  }

  /// One row for each formula, with the names of all metrics that follow it.
  static func definitions(_ metrics: [RunRecord.Metric]) -> Block {
    var names: [(formula: String, names: [String])] = []
    for metric in metrics {
      if let index = names.firstIndex(where: { $0.formula == metric.formula }) {
        if !names[index].names.contains(metric.name) { names[index].names.append(metric.name) }
      } else {
        names.append((metric.formula, [metric.name]))
      }
    }
    return .table(
      Table(
        "", columns: [.text("metric"), .text("definition")],
        rows: names.map { Table.Row([$0.names.joined(separator: ", "), $0.formula]) }))
  }
}
