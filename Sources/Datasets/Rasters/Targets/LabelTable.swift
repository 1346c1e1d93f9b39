import Formats
import Foundation
import Recipes

/// Columns that name a sample in a table, the first that there is.
package let sampleColumnNames = LabelTable.identifierNames

/// A table of targets with a row for each sample: CSV, or lists of files with their class behind them.
struct LabelTable: Sendable {
  private let table: CSVTable
  private let rowOfIdentifier: [String: Int]
  /// Columns of the target.
  let columns: [String]

  /// Columns that name a sample, the first that there is.
  static let identifierNames = [
    "id", "identifier", "sample", "file", "filename", "file_name", "path", "image", "name",
  ]

  /// Names of tables below the root.
  static let suffixes = ["csv", "tsv", "txt"]

  /// Files of a table: several lists may make one.
  static func files(_ pattern: String, root: String) throws(DataError) -> [String] {
    // With txt among the suffixes lists stand for themselves, not for what they name.
    try FileSearch.files(pattern, root: root, suffixes: suffixes)
  }

  init(paths: [String], column: String?, names: [String]?) throws {
    table = try Self.table(paths)
    let path = table.path
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
        if paths.count > 1, table.rows[other] == row { continue }
        throw DataError.identifierTwice(
          identifier: text, first: "\(path) record \(other + 2)",
          second: "\(path) record \(number + 2)")
      }
      rows[text] = number
    }
    rowOfIdentifier = rows
  }

  /// One table of all files, which must have the same columns.
  private static func table(_ paths: [String]) throws -> CSVTable {
    let tables = try paths.map { path in
      guard FileList.isList(path) else { return try CSVTable(path: path) }
      let list = try FileList(path: path)
      let count = list.entries[0].values.count
      if let odd = list.entries.first(where: { $0.values.count != count || count == 0 }) {
        throw FormatError.malformed(
          path: path, format: "list",
          reason: "'\(odd.file)' has \(odd.values.count) values behind it, "
            + (count == 0 ? "expected its class" : "the first line \(count)"))
      }
      let columns = count == 1 ? ["label"] : (1...count).map { "value\($0)" }
      return CSVTable(
        path: path, columns: ["path"] + columns, rows: list.entries.map { [$0.file] + $0.values })
    }
    for other in tables.dropFirst() where other.columns != tables[0].columns {
      throw FormatError.malformed(
        path: other.path, format: "table",
        reason: "it has the columns \(other.columns), \(tables[0].path) has \(tables[0].columns)")
    }
    return CSVTable(
      path: tables[0].path, columns: tables[0].columns, rows: tables.flatMap(\.rows))
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
