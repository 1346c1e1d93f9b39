internal import Recipes

extension ComparisonSection {
  /// The same recipe under leak-free and leaky splits, side by side instead of in one ranking.
  static let splitTwins = ComparisonSection(title: "One recipe under several splits") {
    comparison in
    SplitTwins.all(of: comparison.arms).flatMap { twins -> [Block] in
      let notes = twins.arms.flatMap { arm in
        SplitTwins.overlaps(arm).map { "\(arm.name): \($0)" }
      }
      return [.paragraph(words(twins)), .table(table(twins))]
        + (notes.isEmpty ? [] : [.list(notes)])
    }
  }

  private static func words(_ twins: SplitTwins) -> String {
    let names = twins.arms.map(\.name)
    let list = "\(names.dropLast().joined(separator: ", ")) and \(names[names.count - 1])"
    let clean = twins.arms.filter { SplitTwins.isLeaky($0) == false }.map(\.name)
    let lesson =
      twins.leaky.isEmpty || clean.isEmpty
      ? "The gap between them says how much the figure depends on the split."
      : "Read what \(clean.joined(separator: ", ")) reached as the figure for new places: the gap to "
        + "\(twins.leaky.map(\.name).joined(separator: ", ")) is what the split lets through."
    return "\(list) differ in nothing but data.split and were tested on different samples, so they "
      + "stand side by side and not in one ranking. \(lesson)"
  }

  private static func table(_ twins: SplitTwins) -> Table {
    let metrics = twins.arms[0].runs[0].evaluation.leadingMetrics
    return Table(
      "Leak-free beside leaky splits",
      columns: [.text("arm"), .text("split"), .text("test part seen in training")]
        + metrics.flatMap { [.number($0), .number("baseline \($0)")] } + [.number("test units")],
      rows: twins.arms.map { arm in
        let run = arm.runs[0]
        let data = run.document.record.data
        let isLeaky = SplitTwins.isLeaky(arm)
        return Table.Row(
          [
            arm.name, run.document.settings["data.split.method"] ?? data.splitMethod,
            SplitTwins.leak(arm).map { $0 > 0 ? Numbers.percent($0) : "none" } ?? "not measured",
          ]
            + metrics.flatMap { name in
              [text(arm, name, \.metrics), text(arm, name, \.baseline)]
            } + [data.splits[run.evaluation.split].map { Numbers.count($0.units) } ?? ""],
          isLeaky == true ? .muted : .none)
      },
      note: "In brackets: 95 % interval of one seed; over several seeds mean ± standard deviation. "
        + "Baseline: \(twins.arms[0].runs[0].evaluation.baselineName) on the same test part.")
  }

  private static func text(
    _ arm: Comparison.Arm, _ name: String,
    _ list: KeyPath<RunRecord.Evaluation, [RunRecord.Metric]>
  ) -> String {
    let found = arm.runs.compactMap { run in
      run.evaluation[keyPath: list].first { $0.name == name }
    }
    return found.count == 1
      ? Numbers.estimate(found[0].value, found[0].ciLower, found[0].ciUpper)
      : Numbers.meanAndSpread(found.map(\.value))
  }
}
