internal import Recipes

extension RunSection {
  /// What the model started from, and where adapters were attached.
  static let weights = RunSection(title: "Model and weights") { run in
    let model = run.record.model
    var blocks: [Block] = [
      .details(
        summary: "Options of \(model.backbone)", blocks: [.keyValues(entries(model.options))])
    ]
    if model.options.isEmpty { blocks = [] }
    if let weights = model.weights {
      blocks += describe(weights)
    } else {
      blocks.append(.paragraph("Training started from random weights."))
    }
    for adapter in model.adapters { blocks += describe(adapter) }
    return blocks
  }

  private static func describe(_ weights: RunRecord.Weights) -> [Block] {
    let lists = [
      ("missing from the file", weights.missing), ("not used by the model", weights.unexpected),
      ("resized", weights.resized),
    ].filter { !$0.1.isEmpty }
    let counts = lists.map { "\(Numbers.count($0.1.count)) \($0.0)" }
    let isWhole = lists.isEmpty
    var blocks: [Block] = [
      .paragraph(
        "Weights \(weights.path): \(Numbers.count(weights.matched)) tensors matched"
          + (isWhole
            ? ", none missing, unexpected or resized." : ", \(counts.joined(separator: ", "))."))
    ]
    if !weights.missing.isEmpty || !weights.resized.isEmpty {
      blocks.append(
        .warning(
          "Not every tensor of the model was filled from the file as it is: those listed below "
            + "started from random values or were resized."))
    }
    for (name, keys) in lists {
      blocks.append(
        .details(
          summary: "Tensors \(name) (\(Numbers.count(keys.count)))", blocks: [groups(keys)]))
    }
    blocks.append(.keyValues([KeyValue("Digest of the weights (SHA-256)", weights.digest)]))
    return blocks
  }

  private static func describe(_ adapter: RunRecord.Adapter) -> [Block] {
    var blocks: [Block] = [
      .heading("Adapter \(adapter.name)"),
      .keyValues([
        KeyValue("Method", adapter.method),
        KeyValue("Parameters", Numbers.count(adapter.parameters)),
        KeyValue("File", Numbers.bytes(adapter.fileBytes)),
      ]),
    ]
    if !adapter.options.isEmpty {
      blocks.append(
        .details(
          summary: "Options of \(adapter.method)", blocks: [.keyValues(entries(adapter.options))]))
    }
    if !adapter.modules.isEmpty {
      blocks.append(
        .table(
          pathTable(
            "Attached to \(Numbers.count(adapter.modules.count)) modules", adapter.modules)))
    }
    if !adapter.modulesToSave.isEmpty {
      blocks.append(
        .table(
          pathTable(
            "Trained in full beside it: \(Numbers.count(adapter.modulesToSave.count))",
            adapter.modulesToSave)))
    }
    return blocks
  }

  private static func groups(_ paths: [String]) -> Block { .table(pathTable("", paths)) }

  private static func pathTable(_ caption: String, _ paths: [String]) -> Table {
    Table(
      caption, columns: [.code("path"), .number("count")],
      rows: PathGroups.grouped(paths).map { Table.Row([$0.pattern, Numbers.count($0.count)]) })
  }

  private static func entries(_ options: [String: String]) -> [KeyValue] {
    options.sorted { $0.key < $1.key }.map { KeyValue($0.key, $0.value) }
  }
}
