internal import Recipes

extension RunSection {
  /// Whether the probabilities can be believed: a reliability diagram for each part with ECE.
  static let reliability = RunSection(title: "Reliability of the probabilities") { run in
    run.record.evaluations.flatMap { evaluation -> [Block] in
      guard let bins = evaluation.calibration, bins.contains(where: { $0.count > 0 }) else {
        return []
      }
      let words = words(bins, evaluation)
      return [
        .figure(
          Figure(
            name: "reliability-\(evaluation.split)",
            svg: ReliabilityDiagram(bins: bins).svg(alternative: words), alternative: words,
            caption: words + " Marks below the dashed diagonal are too sure, above it too unsure.")),
        .details(summary: "Bins of part \(evaluation.split)", blocks: [.table(table(bins))]),
      ]
    }
  }

  private static func words(
    _ bins: [RunRecord.CalibrationBin], _ evaluation: RunRecord.Evaluation
  ) -> String {
    let total = Double(bins.reduce(0) { $0 + $1.count })
    func mean(_ value: KeyPath<RunRecord.CalibrationBin, Double?>) -> Double {
      bins.reduce(0) { $0 + Double($1.count) * ($1[keyPath: value] ?? 0) } / total
    }
    let (confidence, accuracy) = (mean(\.meanConfidence), mean(\.accuracy))
    let name = "ECE"
    var text =
      "Part \(evaluation.split), \(Numbers.count(Int(total))) decisions: mean confidence "
      + "\(Numbers.percent(confidence)), right \(Numbers.percent(accuracy))"
    if let metric = evaluation.metric(name) {
      text += "; \(name) \(Numbers.estimate(metric.value, metric.ciLower, metric.ciUpper))"
      if let trivial = evaluation.baselineMetric(name) {
        text +=
          ", of the trivial baseline (\(evaluation.baselineName)) "
          + Numbers.significant(trivial.value)
      }
    }
    return text + "."
  }

  private static func table(_ bins: [RunRecord.CalibrationBin]) -> Table {
    Table(
      "",
      columns: [
        .text("largest probability"), .number("samples"), .number("mean"), .number("right"),
        .number("right − mean (% points)"),
      ],
      rows: bins.map { bin in
        let gap = bin.accuracy.flatMap { right in bin.meanConfidence.map { right - $0 } }
        return Table.Row([
          "\(Numbers.fixed(bin.lower, decimals: 3)) to \(Numbers.fixed(bin.upper, decimals: 3))",
          Numbers.count(bin.count), bin.meanConfidence.map { Numbers.fixed($0, decimals: 3) } ?? "",
          bin.accuracy.map { Numbers.percent($0) } ?? "",
          gap.map { Numbers.fixed(100 * $0, decimals: 1) } ?? "",
        ])
      },
      note: "Bins of equal width hold their lower bound; the last one also 1.")
  }
}
