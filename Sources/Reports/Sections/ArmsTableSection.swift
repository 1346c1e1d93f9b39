internal import Recipes

extension ComparisonSection {
  /// Arms by their headline metric; over seeds where there are several, and seed by seed.
  static let armsTable = ComparisonSection(title: "Result") { comparison in
    var blocks: [Block] = comparison.pools.count < 2 ? [] : [.warning(separation(comparison))]
    for (index, pool) in comparison.pools.enumerated() {
      if comparison.pools.count > 1 { blocks.append(.heading("Group \(index + 1)")) }
      if pool.seeds.count > 1 { blocks.append(.table(overSeeds(pool))) }
      blocks.append(.table(bySeed(pool)))
    }
    let experimental = comparison.arms.filter(\.isExperimental)
    if let first = experimental.first {
      blocks.append(.heading("Experimental runs, not ranked"))
      blocks.append(
        .paragraph(
          "The formula of some part of these runs is not verified against its source; their "
            + "numbers stand here without a place among the others."))
      let metrics = first.runs[0].evaluation.leadingMetrics
      blocks.append(
        .table(
          Table(
            "", columns: columns(metrics),
            rows: experimental.flatMap { arm in arm.runs.map { row(arm, $0, metrics) } }
          ).withoutEmptyColumns))
    }
    let metrics = comparison.arms.flatMap(\.runs).flatMap(\.evaluation.metrics)
    let shown = Set(comparison.arms.flatMap(\.runs).flatMap(\.evaluation.leadingMetrics))
    blocks.append(
      .details(
        summary: "Definitions (p prediction, y truth)",
        blocks: [RunSection.definitions(metrics.filter { shown.contains($0.name) })]))
    return blocks
  }

  private static func separation(_ comparison: Comparison) -> String {
    let lists = comparison.pools.enumerated().map { index, pool in
      "group \(index + 1): \(pool.arms.map(\.name).joined(separator: ", "))"
    }
    let hasOneMetric = Set(comparison.pools.map(\.headline)).count == 1
    let reason =
      hasOneMetric
      ? "they were tested on different data (the digests of their test parts for one seed differ, "
        + "or they share no seed)"
      : "they were tested on different data or by different headline metrics"
    return "Not all runs can be ranked together, since \(reason): \(lists.joined(separator: "; "))."
  }

  private static func columns(_ metrics: [String]) -> [Table.Column] {
    [.text("arm"), .number("seed")] + metrics.map { .number($0) }
      + [
        .number("trained parameters"), .number("training"), .number("memory"),
        .number("adapter file"), .text("chosen"),
      ]
  }

  private static func bySeed(_ pool: Comparison.Pool) -> Table {
    let arms = Ranking.ordered(pool)
    var rows = pool.seeds.flatMap { seed in
      let runs = arms.compactMap { arm in arm.run(seed: seed).map { (arm, $0) } }
      let trivial = runs.first.map { baselineRow($0.1, pool.metrics) }
      return runs.map { row($0, $1, pool.metrics) } + (trivial.map { [$0] } ?? [])
    }
    if pool.seeds.count == 1 { for index in rows.indices { rows[index].cells[1] = "" } }
    let runs = pool.arms.flatMap(\.runs)
    let units = runs[0].evaluation.unitName(in: runs[0].document.record)
    return Table(
      pool.seeds.count > 1
        ? "Seed by seed"
        : "Arms by \(pool.headline)\(pool.arms.count > 1 ? ", best first" : "") "
          + "(seed \(pool.seeds[0]))",
      columns: columns(pool.metrics), rows: rows,
      note: "In brackets: 95 % interval, percentile bootstrap over test \(units). "
        + "\(pool.metrics.joined(separator: ", ")): "
        + "\(lowerIsBetter(pool) ? "lower" : "higher") is better."
    ).withoutEmptyColumns
  }

  private static func lowerIsBetter(_ pool: Comparison.Pool) -> Bool {
    pool.arms[0].runs[0].evaluation.metric(pool.headline)?.lowerIsBetter ?? true
  }

  private static func row(
    _ arm: Comparison.Arm, _ run: Comparison.ChosenRun, _ metrics: [String]
  ) -> Table.Row {
    let record = run.document.record
    return Table.Row(
      [arm.name, String(run.seed)]
        + metrics.map { name in
          run.evaluation.metric(name).map {
            Numbers.estimate($0.value, $0.ciLower, $0.ciUpper)
          } ?? ""
        } + [
          trained(record), Numbers.duration(record.trainSeconds),
          Numbers.bytes(record.peakMemoryBytes),
          record.adapterBytes > 0 ? Numbers.bytes(record.adapterBytes) : "",
          run.differingSettings.sorted { $0.key < $1.key }.map { key, value in
            "\(key.split(separator: ".").last ?? "") \(value)"
          }.joined(separator: ", "),
        ])
  }

  private static func trained(_ record: RunRecord) -> String {
    let reached = record.model.reachedParameters.map { "; \(Numbers.count($0)) reached" } ?? ""
    return Numbers.count(record.model.trainableParameters)
      + " (\(Numbers.percent(record.trainedShare))\(reached))"
  }

  private static func baselineRow(_ run: Comparison.ChosenRun, _ metrics: [String]) -> Table.Row {
    Table.Row(
      ["baseline: \(run.evaluation.baselineName)", String(run.seed)]
        + metrics.map { name in
          run.evaluation.baselineMetric(name).map {
            Numbers.estimate($0.value, $0.ciLower, $0.ciUpper)
          } ?? ""
        } + ["0", "", "", "", ""], .muted)
  }

  private static func overSeeds(_ pool: Comparison.Pool) -> Table {
    let rows = Ranking.ordered(pool).map { arm in
      Table.Row(
        [arm.name, Numbers.count(arm.runs.count)]
          + pool.metrics.map { name in
            Numbers.meanAndSpread(arm.runs.compactMap { $0.evaluation.metric(name)?.value })
          } + [trained(arm.runs[0].document.record)])
    }
    let baseline = baselineOverSeeds(pool)
    return Table(
      "Over \(pool.seeds.count) seeds, best first",
      columns: [.text("arm"), .number("seeds")] + pool.metrics.map { .number($0) }
        + [.number("trained parameters")],
      rows: rows + [baseline], note: "Mean ± standard deviation over seeds.")
  }

  private static func baselineOverSeeds(_ pool: Comparison.Pool) -> Table.Row {
    let runs = pool.seeds.compactMap { seed in
      pool.arms.lazy.compactMap { $0.run(seed: seed) }.first
    }
    return Table.Row(
      ["baseline: \(runs[0].evaluation.baselineName)", Numbers.count(runs.count)]
        + pool.metrics.map { name in
          Numbers.meanAndSpread(runs.compactMap { $0.evaluation.baselineMetric(name)?.value })
        } + ["0"], .muted)
  }
}
