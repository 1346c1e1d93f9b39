internal import Tasks
extension ComparisonSection {
  /// Every pair of arms on the same test units.
  static let pairedDifferences = ComparisonSection(title: "Paired differences") { comparison in
    let tables = comparison.pools.flatMap { pool -> [Block] in
      pool.metrics.compactMap { metric in
        let shown = pool.differences.filter { $0.metric == metric }
        guard !shown.isEmpty else { return nil }
        let table = Block.table(table(metric, shown))
        return shown.count <= 24
          ? table
          : .details(
            summary: "\(metric): \(Numbers.count(shown.count)) differences", blocks: [table])
      }
    }
    guard !tables.isEmpty else { return [] }
    return [
      .paragraph(
        "First arm minus second on the same test units, so what makes a unit hard for both cancels. "
          + "A difference counts only where its 95 % interval excludes 0.")
    ] + tables
  }

  private static func table(_ metric: String, _ differences: [PairedDifference]) -> Table {
    let lowerIsBetter = differences.first?.lowerIsBetter ?? true
    return Table(
      metric,
      columns: [
        .text("difference"), .number("seed"), .number("mean [95 % interval]"),
        .number("of the second"), .number("p"), .text("says"),
      ],
      rows: differences.map { difference in
        Table.Row([
          "\(difference.first) − \(difference.second)", String(difference.seed),
          Numbers.estimate(
            difference.mean, difference.interval?.lower, difference.interval?.upper),
          share(difference), difference.chance.map { Numbers.significant($0) } ?? "",
          sentence(difference),
        ])
      },
      note: "\(lowerIsBetter ? "Below" : "Above") 0 the first arm is better. "
        + "Bootstrap over \(differences.first?.units ?? 0) test units; p by "
        + (differences.contains { $0.chance != nil }
          ? "flips of the units' signs, or by McNemar's exact test where a unit is right or wrong."
          : "no test, since the figure is no mean over units."))
  }

  private static func share(_ difference: PairedDifference) -> String {
    let share = difference.mean / abs(difference.reference)
    return share.isFinite
      ? (share > 0 ? "+" : share < 0 ? "−" : "") + Numbers.percent(abs(share)) : ""
  }

  private static func sentence(_ difference: PairedDifference) -> String {
    guard difference.interval != nil else { return "no interval: too few units" }
    switch difference.verdict {
    case .firstIsBetter: return "excludes 0: \(difference.first) is better"
    case .secondIsBetter: return "excludes 0: \(difference.second) is better"
    case .undecided: return "includes 0: not decided"
    }
  }
}
