import Formats
import Foundation
import Recipes

/// Columns that name a sample in a table, the first that there is.
package let sampleColumnNames = LabelTable.identifierNames

/// A table of targets with a row for each sample.
struct LabelTable: Sendable {
  private let table: CSVTable
  private let rowOfIdentifier: [String: Int]
  /// Columns of the target.
  let columns: [String]

  /// Columns that name a sample, the first that there is.
  static let identifierNames = [
    "id", "identifier", "sample", "file", "filename", "file_name", "path", "image", "name",
  ]

  init(path: String, column: String?, names: [String]?) throws {
    table = try CSVTable(path: path)
    guard let identifier = Self.identifierColumn(of: table) else {
      throw TargetError.columnMissing(
        path: path, column: Self.identifierNames.joined(separator: " or "),
        available: table.columns)
    }
    let wanted =
      column.map { [$0] } ?? names
      ?? table.columns.indices.filter { $0 != identifier }
      .map { [columns = table.columns] in columns[$0] }
    for name in wanted where table.column(name) == nil {
      throw TargetError.columnMissing(path: path, column: name, available: table.columns)
    }
    columns = wanted
    var rows: [String: Int] = [:]
    for (number, row) in table.rows.enumerated() {
      let text = row[identifier].trimmingCharacters(in: .whitespaces)
      if let other = rows[text] {
        throw DataError.identifierTwice(
          identifier: text, first: "\(path) record \(other + 2)",
          second: "\(path) record \(number + 2)")
      }
      rows[text] = number
    }
    rowOfIdentifier = rows
  }

  /// Texts of the target's columns for a sample, found by its identifier, its file's path below the
  /// root, or its file's name, with the ending or without.
  func texts(identifier: String, label: String) throws(TargetError) -> [String] {
    let names = Self.names(identifier: identifier, label: label)
    guard let row = names.lazy.compactMap({ rowOfIdentifier[$0] }).first else {
      throw .rowMissing(path: table.path, identifier: identifier)
    }
    return columns.compactMap { column in
      table.column(column).map { table.rows[row][$0].trimmingCharacters(in: .whitespaces) }
    }
  }

  /// The same as numbers.
  func numbers(identifier: String, label: String) throws(TargetError) -> [Double] {
    var numbers: [Double] = []
    for (column, text) in zip(columns, try texts(identifier: identifier, label: label)) {
      guard let number = Double(text), number.isFinite else {
        throw .notANumber(
          path: table.path, identifier: identifier, column: column, value: text)
      }
      numbers.append(number)
    }
    return numbers
  }

  /// Number of the column that names samples.
  static func identifierColumn(of table: CSVTable) -> Int? {
    let lowered = table.columns.map { $0.lowercased() }
    return identifierNames.compactMap { lowered.firstIndex(of: $0) }.first
  }

  /// What a table may call a sample.
  static func names(identifier: String, label: String) -> [String] {
    let name = (label as NSString).lastPathComponent
    return [
      identifier, label, (label as NSString).deletingPathExtension, name,
      (name as NSString).deletingPathExtension,
    ]
  }

  /// Labels in one text, between `;`, `|`, `,` or blanks.
  static func list(_ text: String) -> [String] {
    let separators: Set<Character> =
      text.contains(where: { ";|,".contains($0) }) ? [";", "|", ","] : [" "]
    return text.split { separators.contains($0) }
      .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }
}
