internal import Recipes

extension ComparisonSection {
  /// Which run stands for an arm, and what it was chosen from.
  static let selection = ComparisonSection(title: "How runs were chosen") { comparison in
    var blocks = comparison.notes.map(Block.warning)
    let chosen = comparison.arms.flatMap { arm in
      arm.runs.filter { $0.candidates.count > 1 }.map { (arm, $0) }
    }
    guard !chosen.isEmpty else { return blocks }
    blocks.append(
      .paragraph(
        "Runs of one name and seed are candidates for one arm. The one with the best validation "
          + "value stands for the arm; test values are not looked at."))
    for (arm, run) in chosen { blocks.append(.table(table(arm, run))) }
    return blocks
  }

  private static func table(_ arm: Comparison.Arm, _ run: Comparison.ChosenRun) -> Table {
    let differences = RecipeSettings.differences(run.candidates.map(\.document.settings))
    let monitored = run.document.monitored?.name ?? "validation"
    let rows = run.candidates.enumerated().map { index, candidate in
      Table.Row(
        [String(candidate.document.record.digest.prefix(8))]
          + differences.map { $0.values[index] }
          + [
            candidate.best.map { Numbers.significant($0.value, digits: 4) } ?? "none finite",
            candidate.best.map { Numbers.count($0.step) } ?? "",
            candidate.isChosen ? "chosen" : "",
          ], candidate.isChosen ? .strong : .none)
    }
    return Table(
      "\(arm.name), seed \(run.seed)",
      columns: [.code("run")] + differences.map { .number($0.key) }
        + [.number("best \(monitored)"), .number("at step"), .text("")],
      rows: rows)
  }
}
