internal import Recipes

extension RunSection {
  /// What was read, how it was split and normalized, what was left out.
  static let data = RunSection(title: "Data") { run in
    let data = run.record.data
    var blocks: [Block] = [
      .paragraph(
        "Format \(data.format), \(Numbers.count(data.files.count)) "
          + "\(data.files.count == 1 ? "file" : "files"), "
          + "\(Numbers.bytes(data.files.reduce(0) { $0 + $1.bytes })). Split: \(data.splitMethod)"),
      splitTable(data),
    ]
    blocks += (data.cards ?? []).map {
      .paragraph("Data set card \($0.name), license: \($0.license).")
    }
    blocks += data.overlaps.map(Block.warning)
    for input in data.inputs { blocks += describe(input) }
    if let target = data.target { blocks += describe(target) }
    if !data.skipped.isEmpty { blocks += skipped(data) }
    blocks.append(
      .details(
        summary: "Files with digests (SHA-256), \(Numbers.count(data.files.count))",
        blocks: [
          .table(
            Table(
              "", columns: [.code("path"), .number("size"), .code("digest")],
              rows: data.files.prefix(shownEntries).map {
                Table.Row([$0.path, Numbers.bytes($0.bytes), $0.digest])
              },
              note: rest(data.files.count, "files")
                + "Digest of the test part: \(data.testDigest)"))
        ]))
    return blocks
  }

  /// Files and samples that are listed; the others stand in report.json.
  private static let shownEntries = 12

  private static func rest(_ count: Int, _ noun: String) -> String {
    count > shownEntries
      ? "The first \(shownEntries) of \(Numbers.count(count)) \(noun); all stand in report.json. "
      : ""
  }

  private static func splitTable(_ data: RunRecord.Data) -> Block {
    let usual = ["train", "val", "test"]
    let names =
      usual.filter { data.splits[$0] != nil }
      + data.splits.keys.filter { !usual.contains($0) }.sorted()
    return .table(
      Table(
        "Parts", columns: [.text("part"), .number("independent units"), .number("samples")],
        rows: names.compactMap { name in
          data.splits[name].map { split in
            Table.Row([
              name, "\(Numbers.count(split.units)) \(split.unitName)",
              Numbers.count(split.samples),
            ])
          }
        }))
  }

  private static func describe(_ input: RunRecord.Data.Input) -> [Block] {
    var facts = [
      KeyValue("Shape", input.shape), KeyValue("Unit", input.unit),
      KeyValue("Resolution", input.resolution), KeyValue("Normalization", input.normalization),
    ]
    let hasNumbers =
      input.means.count == input.bands.count && input.standardDeviations.count == input.bands.count
    if !hasNumbers || input.bands.isEmpty {
      facts.append(KeyValue("Bands or fields", input.bands.joined(separator: ", ")))
    }
    var blocks: [Block] = [
      .heading("Input \(input.name)"), .keyValues(facts.filter { !$0.value.isEmpty }),
    ]
    if hasNumbers, !input.bands.isEmpty {
      blocks.append(
        .table(
          Table(
            "Numbers of the normalization",
            columns: [.text("band or field"), .number("mean"), .number("standard deviation")],
            rows: input.bands.indices.map { index in
              Table.Row([
                input.bands[index], Numbers.significant(input.means[index], digits: 6),
                Numbers.significant(input.standardDeviations[index], digits: 6),
              ])
            })))
    }
    return blocks
  }

  private static func describe(_ target: TargetDescription) -> [Block] {
    let isCounted = target.counts.count == target.names.count && !target.counts.isEmpty
    let total = target.counts.reduce(0, +)
    var columns: [Table.Column] = [.text(target.kind.hasClasses ? "class" : "value")]
    if isCounted {
      columns += [.number("in training"), .number("share")]
    } else {
      columns += [.number("mean"), .number("standard deviation")]
    }
    let rows = target.names.enumerated().map { number, name in
      if isCounted {
        return Table.Row([
          name, Numbers.count(target.counts[number]),
          total == 0 ? "" : Numbers.percent(Double(target.counts[number]) / Double(total)),
        ])
      }
      let hasMoments = target.means.indices.contains(number)
      return Table.Row([
        name, hasMoments ? Numbers.significant(target.means[number], digits: 6) : "",
        hasMoments ? Numbers.significant(target.deviations[number], digits: 6) : "",
      ])
    }
    return [
      .heading("Target: \(target.kind.meaning)"),
      .table(Table("", columns: columns, rows: rows).withoutEmptyColumns),
    ]
  }

  private static func skipped(_ data: RunRecord.Data) -> [Block] {
    [
      .warning(
        "\(Numbers.count(data.skipped.count)) "
          + "\(data.skipped.count == 1 ? "sample was" : "samples were") left out of this run."),
      .details(
        summary: "Samples left out (\(Numbers.count(data.skipped.count)))",
        blocks: [
          .table(
            Table(
              "", columns: [.code("sample"), .text("reason")],
              rows: data.skipped.prefix(shownEntries).map { Table.Row([$0.sample, $0.reason]) },
              note: data.skipped.count > shownEntries
                ? rest(data.skipped.count, "samples left out") : nil))
        ]),
    ]
  }
}
