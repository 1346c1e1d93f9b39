/// One piece of a report, which every writer can set.
package indirect enum Block: Sendable, Equatable {
  /// A heading below the section's.
  case heading(String)
  case paragraph(String)
  case list([String])
  case table(Table)
  case keyValues([KeyValue])
  case figure(Figure)
  case code(String)
  /// Something the reader must not miss.
  case warning(String)
  /// Blocks that are folded away where the medium can.
  case details(summary: String, blocks: [Block])
}

/// A name and what it has.
package struct KeyValue: Codable, Sendable, Equatable {
  package var key: String
  package var value: String

  package init(_ key: String, _ value: String) {
    self.key = key
    self.value = value
  }
}

/// Rows of texts under titled columns.
package struct Table: Codable, Sendable, Equatable {
  package var caption: String
  package var columns: [Column]
  package var rows: [Row]
  /// A sentence below the table.
  package var note: String?

  package struct Column: Codable, Sendable, Equatable {
    package var title: String
    package var alignment: Alignment

    package static func text(_ title: String) -> Column { Column(title: title, alignment: .text) }
    package static func number(_ title: String) -> Column {
      Column(title: title, alignment: .number)
    }
    package static func code(_ title: String) -> Column { Column(title: title, alignment: .code) }
  }

  package enum Alignment: String, Codable, Sendable {
    case text
    /// Set to the right with figures of equal width.
    case number
    /// Names to be copied: paths, keys, digests.
    case code
  }

  package struct Row: Codable, Sendable, Equatable {
    package var cells: [String]
    package var emphasis: Emphasis

    package init(_ cells: [String], _ emphasis: Emphasis = .none) {
      self.cells = cells
      self.emphasis = emphasis
    }
  }

  package enum Emphasis: String, Codable, Sendable {
    case none
    case strong
    /// Stands beside the others without being one of them, as a baseline.
    case muted
  }

  package init(_ caption: String, columns: [Column], rows: [Row], note: String? = nil) {
    for row in rows {
      precondition(
        row.cells.count == columns.count,
        "table '\(caption)': \(row.cells.count) cells for \(columns.count) columns")
    }
    self.caption = caption
    self.columns = columns
    self.rows = rows
    self.note = note
  }
}

extension Table {
  /// The table without columns, other than the first, whose cells are all empty.
  var withoutEmptyColumns: Table {
    let kept = columns.indices.filter { index in
      index == 0 || rows.contains { !$0.cells[index].isEmpty }
    }
    var table = self
    table.columns = kept.map { columns[$0] }
    table.rows = rows.map { row in Row(kept.map { row.cells[$0] }, row.emphasis) }
    return table
  }
}

/// A drawing with the words for who cannot see it.
package struct Figure: Codable, Sendable, Equatable {
  /// Name of its file, without extension; unique in a report.
  package var name: String
  package var svg: String
  /// What the drawing shows, in words.
  package var alternative: String
  package var caption: String

  package init(name: String, svg: String, alternative: String, caption: String) {
    self.name = name
    self.svg = svg
    self.alternative = alternative
    self.caption = caption
  }
}
