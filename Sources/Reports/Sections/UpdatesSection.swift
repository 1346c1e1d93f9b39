internal import Recipes

extension RunSection {
  /// What training did to the adapted weights.
  static let updates = RunSection(title: "What the adapters changed") { run in
    let model = run.record.model
    guard let updates = model.updates, !updates.isEmpty else { return [] }
    let table = Block.table(table(updates))
    return [.paragraph(summary(updates, model.updatesLeft ?? 0))]
      + (updates.count <= shownRows
        ? [table]
        : [.details(summary: "All \(Numbers.count(updates.count)) weights", blocks: [table])])
      + [.paragraph(definitions)]
  }

  private static let shownRows = 16

  private static let definitions =
    "Effective rank: exp of the entropy of the singular values of the update ΔW, each over their sum. "
    + "Intruder dimensions (arXiv 2410.21228): of the leading left singular vectors of W + ΔW, those "
    + "whose cosine with every one of W is below 0.5. ‖·‖ is the Frobenius norm."

  private static func summary(_ updates: [RunRecord.WeightUpdate], _ left: Int) -> String {
    let intruders = updates.reduce(0) { $0 + $1.intruders }
    let looked = updates.reduce(0) { $0 + $1.looked }
    let holders = updates.count { $0.intruders > 0 }
    let found =
      intruders == 0
      ? "No intruder dimension among \(Numbers.count(looked)) leading singular vectors of "
        + "\(Numbers.count(updates.count)) weights."
      : "\(Numbers.count(intruders)) of \(Numbers.count(looked)) leading singular vectors are intruder "
        + "dimensions, in \(Numbers.count(holders)) of \(Numbers.count(updates.count)) weights."
    return found + " The effective rank of the updates is \(range(updates.map(\.effectiveRank))), "
      + "their size ‖ΔW‖/‖W‖ \(range(updates.map(\.relativeNorm)))."
      + (left == 0
        ? ""
        : " \(Numbers.count(left)) more weights were left out, since their decomposition takes long "
          + "or no single weight can stand for the change.")
  }

  private static func range(_ values: [Double]) -> String {
    let (least, most) = (values.min() ?? 0, values.max() ?? 0)
    let texts = [least, most].map { Numbers.significant($0, digits: 2) }
    return texts[0] == texts[1] ? texts[0] : "\(texts[0]) to \(texts[1])"
  }

  private static func table(_ updates: [RunRecord.WeightUpdate]) -> Table {
    Table(
      "Updates of weights",
      columns: [
        .code("module"), .number("rank"), .number("effective rank"), .number("‖ΔW‖/‖W‖"),
        .number("intruder dimensions"),
      ],
      rows: updates.map { update in
        Table.Row([
          update.module, update.rank.map { Numbers.count($0) } ?? "",
          Numbers.significant(update.effectiveRank, digits: 3),
          Numbers.significant(update.relativeNorm, digits: 3),
          "\(update.intruders) of \(update.looked)",
        ])
      }
    ).withoutEmptyColumns
  }
}
