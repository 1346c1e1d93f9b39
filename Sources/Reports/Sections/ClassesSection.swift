internal import Recipes

extension RunSection {
  /// Figures of every class, and what was taken for what.
  static let classes = RunSection(title: "Classes") { run in
    run.record.evaluations.flatMap { evaluation -> [Block] in
      guard let names = evaluation.classNames, !names.isEmpty else { return [] }
      var blocks: [Block] = []
      if !evaluation.perClassNames.isEmpty {
        blocks.append(.table(figures(evaluation, names, run.record.data.target)))
      }
      if let confusion = evaluation.confusion, confusion.count <= largestMatrix {
        blocks.append(.table(matrix(confusion, names, evaluation.split)))
      }
      return blocks
    }
  }

  /// Classes of a matrix that a page can show.
  private static let largestMatrix = 25

  private static func figures(
    _ evaluation: RunRecord.Evaluation, _ names: [String], _ target: TargetDescription?
  ) -> Table {
    let bases = evaluation.perClassNames
    let counts = target.flatMap { $0.counts.count == names.count ? $0.counts : nil }
    let totals = evaluation.confusion?.map { $0.reduce(0, +) }
    let columns: [Table.Column] =
      [.text("class")] + (counts == nil ? [] : [.number("in training")])
      + (totals == nil ? [] : [.number("in \(evaluation.split)")]) + bases.map { .number($0) }
    return Table(
      "Classes of part \(evaluation.split)", columns: columns,
      rows: names.enumerated().map { number, name in
        Table.Row(
          [name] + (counts.map { [Numbers.count($0[number])] } ?? [])
            + (totals.map { [Numbers.count($0[number])] } ?? [])
            + bases.map { base in
              evaluation.metric(base, ofClass: name).map {
                Numbers.estimate($0.value, $0.ciLower, $0.ciUpper)
              } ?? ""
            })
      })
  }

  private static func matrix(_ rows: [[Int]], _ names: [String], _ split: String) -> Table {
    Table(
      "Confusion matrix of part \(split)",
      columns: [.text("true class")] + names.map { .number($0) } + [.number("right")],
      rows: zip(names, rows).enumerated().map { number, row in
        let total = row.1.reduce(0, +)
        let share = total == 0 ? "" : Numbers.percent(Double(row.1[number]) / Double(total))
        return Table.Row([row.0] + row.1.map { Numbers.count($0) } + [share])
      },
      note:
        "Rows are true classes, columns what was predicted; right is the share of the row on the "
        + "diagonal.")
  }
}
