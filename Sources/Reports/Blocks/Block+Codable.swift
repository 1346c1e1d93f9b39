/// As JSON a block is an object whose `kind` says which of the other keys are there.
extension Block: Codable {
  private enum Key: String, CodingKey {
    case kind, text, items, table, entries, figure, summary, blocks
  }

  private enum Kind: String, Codable {
    case heading, paragraph, list, table, figure, code, warning, details
    case keyValues = "key_values"
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    func text() throws -> String { try container.decode(String.self, forKey: .text) }
    self =
      switch try container.decode(Kind.self, forKey: .kind) {
      case .heading: .heading(try text())
      case .paragraph: .paragraph(try text())
      case .list: .list(try container.decode([String].self, forKey: .items))
      case .table: .table(try container.decode(Table.self, forKey: .table))
      case .keyValues: .keyValues(try container.decode([KeyValue].self, forKey: .entries))
      case .figure: .figure(try container.decode(Figure.self, forKey: .figure))
      case .code: .code(try text())
      case .warning: .warning(try text())
      case .details:
        .details(
          summary: try container.decode(String.self, forKey: .summary),
          blocks: try container.decode([Block].self, forKey: .blocks))
      }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    func put(_ kind: Kind, _ value: some Encodable, _ key: Key) throws {
      try container.encode(kind, forKey: .kind)
      try container.encode(value, forKey: key)
    }
    switch self {
    case .heading(let text): try put(.heading, text, .text)
    case .paragraph(let text): try put(.paragraph, text, .text)
    case .list(let items): try put(.list, items, .items)
    case .table(let table): try put(.table, table, .table)
    case .keyValues(let entries): try put(.keyValues, entries, .entries)
    case .figure(let figure): try put(.figure, figure, .figure)
    case .code(let text): try put(.code, text, .text)
    case .warning(let text): try put(.warning, text, .text)
    case .details(let summary, let blocks):
      try put(.details, summary, .summary)
      try container.encode(blocks, forKey: .blocks)
    }
  }
}
