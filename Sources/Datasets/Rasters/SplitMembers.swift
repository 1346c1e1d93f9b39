import Formats
import Foundation
import Recipes

/// The part of each sample, where the recipe names files or a table.
struct SplitMembers {
  enum Key { case path, identifier }
  let key: Key
  /// Nil for what is named and of no part.
  let parts: [String: SplitPart?]
  /// The table that the parts come from.
  let table: String?

  /// Part of a candidate; nil where it is to be left out.
  ///
  /// - Throws: `TargetError.rowMissing` for a sample that the table does not name.
  func part(of candidate: RasterCandidate, _ options: RasterOptions) throws -> SplitPart? {
    switch key {
    case .path:
      guard case .file(let path) = candidate.places[0] else { return nil }
      return parts[path] ?? nil
    case .identifier:
      if let part = parts[candidate.identifier] { return part }
      guard case .file(let path) = candidate.places[0] else { return nil }
      let label = FileSearch.label(of: path, root: options.root)
      for name in LabelTable.names(identifier: candidate.identifier, label: label) {
        if let part = parts[name] { return part }
      }
      throw TargetError.rowMissing(path: table ?? "", identifier: candidate.identifier)
    }
  }
}

extension RasterSplit {
  /// Lists of files that the parts are read from.
  func listPaths(root: String) -> [String] {
    guard case .files(let files) = method else { return [] }
    return files.patterns.map(\.1).filter(FileList.isList)
      .map { FilePath.absolute($0, relativeTo: root) }
  }

  /// Part of each file or identifier that the recipe names; nil for splits that name none.
  ///
  /// - Throws: `DataError.splitOverlap` for one that lies in two parts.
  func members(_ options: RasterOptions) throws -> SplitMembers? {
    switch method {
    case .files(let files):
      var parts: [String: SplitPart?] = [:]
      for (part, pattern) in files.patterns {
        let suffixes = options.format.suffixes
        for path in try FileSearch.files(pattern, root: options.root, suffixes: suffixes) {
          if let other = parts[path] ?? nil, other != part {
            throw DataError.splitOverlap(
              identifier: path, first: other.rawValue, second: part.rawValue)
          }
          parts[path] = part
        }
      }
      return SplitMembers(key: .path, parts: parts, table: nil)
    case .column(let column):
      let tables = try FileSearch.files(
        column.file, root: options.root, suffixes: ColumnSplit.suffixes)
      guard tables.count == 1 else {
        throw DataError.optionInvalid(
          key: "data.split.file", found: "\(tables.count) files match \(column.file)",
          expected: "one table")
      }
      return SplitMembers(
        key: .identifier, parts: try column.parts(in: tables[0]), table: tables[0])
    case .random, .spatialBlocks, .stratified, .perClass: return nil
    }
  }
}

/// Parts by a column of a table with a row for each sample.
package struct ColumnSplit: Sendable, Equatable {
  /// Table below the root.
  package var file: String
  package var column: String
  /// What stands in the column for each part.
  package var values: [String: SplitPart]

  static let suffixes = ["csv", "tsv"]

  package init(
    file: String, column: String = "split",
    values: [String: SplitPart] = ["train": .train, "val": .val, "test": .test]
  ) {
    self.file = file
    self.column = column
    self.values = values
  }

  /// Part of each identifier of a table, nil where its row is of none.
  ///
  /// - Throws: `TargetError.columnMissing`, `DataError.splitOverlap` for an identifier in two parts,
  ///   `DataError.optionInvalid` where no row is of a part.
  func parts(in path: String) throws -> [String: SplitPart?] {
    let table = try CSVTable(path: path)
    guard let place = table.column(column) else {
      throw TargetError.columnMissing(path: path, column: column, available: table.columns)
    }
    guard let name = LabelTable.identifierColumn(of: table), name != place else {
      throw TargetError.columnMissing(
        path: path, column: LabelTable.identifierNames.joined(separator: " or "),
        available: table.columns)
    }
    var parts: [String: SplitPart?] = [:]
    var seen = Set<String>()
    for row in table.rows {
      let value = row[place].trimmingCharacters(in: .whitespaces)
      seen.insert(value)
      let part = values[value]
      let identifier = row[name].trimmingCharacters(in: .whitespaces)
      if let other = parts[identifier], other != part {
        throw DataError.splitOverlap(
          identifier: "\(path): \(identifier)", first: other?.rawValue ?? "no part",
          second: part?.rawValue ?? "no part")
      }
      parts[identifier] = .some(part)
    }
    guard parts.contains(where: { $0.value != nil }) else {
      throw DataError.optionInvalid(
        key: "data.split.values", found: values.keys.sorted().joined(separator: ", "),
        expected: "what stands in column '\(column)' of \(path): "
          + seen.sorted().prefix(8).joined(separator: ", "))
    }
    return parts
  }
}

extension ColumnSplit {
  /// Reads the options of `data.split.method: column`.
  init(_ section: SplitSection, _ diagnostics: Diagnostics) {
    let parts = OptionTable(
      SplitPart.allCases.map {
        Option(
          $0.rawValue, .text, default: OptionDefault(stringLiteral: $0.rawValue),
          "what stands in the column for it")
      })
    let reader = OptionReader(
      section.method,
      [
        Option("file", .text, default: .required, "table with a row for each sample, below root"),
        Option("column", .text, default: "split", "column that names the part"),
        Option("values", .table(parts), default: [:], "what stands in the column for each part"),
      ], diagnostics)
    self.init(file: reader.text("file"), column: reader.text("column"))
    guard let given = reader.optionalTable("values") else { return }
    values = [:]
    for part in SplitPart.allCases { values[given.text(part.rawValue)] = part }
  }
}
