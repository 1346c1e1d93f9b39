internal import Recipes

extension RunSection {
  /// What was taken for what, as shares of the true classes.
  static let confusionMatrix = RunSection(title: "Confusion matrix") { run in
    run.record.evaluations.compactMap { evaluation in
      guard let counts = evaluation.confusion, let names = evaluation.classNames,
        (2...largestDrawing).contains(names.count), counts.count == names.count
      else { return nil }
      let shares = counts.map { row in
        let total = row.reduce(0, +)
        return row.map { total == 0 ? 0 : Double($0) / Double(total) }
      }
      let words = summary(counts, shares, names, evaluation.split)
      let matrix = ShareMatrix(
        names: names, shares: shares, rowTitle: "true class", columnTitle: "predicted class")
      return .figure(
        Figure(
          name: "confusion-\(evaluation.split)", svg: matrix.svg(alternative: words),
          alternative: words,
          caption: words + " Cells: share of the true class in percent; counts stand under Classes."
        ))
    }
  }

  private static let largestDrawing = 25
  private static let namedConfusions = 3

  private static func summary(
    _ counts: [[Int]], _ shares: [[Double]], _ names: [String], _ split: String
  ) -> String {
    let total = counts.reduce(0) { $0 + $1.reduce(0, +) }
    let right = counts.indices.reduce(0) { $0 + counts[$1][$1] }
    let cells = names.indices.flatMap { row in
      names.indices.compactMap { row != $0 && counts[row][$0] > 0 ? (row, $0) : nil }
    }
    let worst = cells.sorted { shares[$0.0][$0.1] > shares[$1.0][$1.1] }.prefix(namedConfusions)
    let confusions = worst.map { row, column in
      "\(names[row]) taken for \(names[column]) (\(Numbers.percent(shares[row][column])))"
    }
    let diagonal = Numbers.percent(total == 0 ? 0 : Double(right) / Double(total))
    return "Part \(split): \(diagonal) of \(Numbers.count(total)) decisions are right"
      + (confusions.isEmpty ? "." : "; most often, \(confusions.joined(separator: ", ")).")
  }
}
