internal import Foundation
internal import Recipes

extension RunSection {
  /// Best, median and worst sample as pictures.
  static let samples = RunSection(title: "Samples") { run in
    guard !run.record.samples.isEmpty, let evaluation = run.mainEvaluation else { return [] }
    let figures = run.record.samples.enumerated().map { index, sample in
      let words =
        "\(sample.rank.capitalized) of \(Numbers.count(evaluation.unitIdentifiers.count)) "
        + "\(evaluation.unitName(in: run.record)): \(sample.identifier), \(evaluation.headline) "
        + Numbers.significant(sample.score) + (sample.note.map { "; \($0)" } ?? "")
      let alternative =
        words + "; pictures of " + sample.panels.map(\.title).joined(separator: ", ")
      return Block.figure(
        Figure(
          name: "sample-\(index + 1)-\(sample.rank)",
          svg: PanelStrip(panels: sample.panels).svg(alternative: alternative),
          alternative: alternative, caption: words + "."))
    }
    return figures
  }
}
