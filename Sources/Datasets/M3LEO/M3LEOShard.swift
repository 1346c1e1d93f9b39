package import Formats
import Foundation

/// A shard of the published data set: a Parquet file whose rows are the files of chips.
///
/// Its columns are `path`, `ds` (the component) and `content`. Chips are read without unpacking: the
/// names are held, contents are read when a chip is. A writer may have put many rows into one page;
/// then they are decoded together, so that reading in the shard's order is fastest.
package struct M3LEOShard: Sendable {
  package struct Row: Sendable, Equatable {
    /// The last part of `path`, as the chip's file is called when unpacked.
    package let fileName: String
    /// The component's folder, `ds`; nil in shards without this column.
    package let component: String?
    let number: Int
  }

  package let path: String
  /// In the order of the file.
  package let rows: [Row]
  private let content: ParquetColumn

  /// Opens a shard and reads its names.
  ///
  /// - Throws: `FormatError` where it is no Parquet file, lacks a column, names no file in a row, or
  ///   one file twice.
  package init(path: String) throws(FormatError) {
    self.path = path
    let file = try ParquetFile(path: path)
    content = try file.column("content")
    let paths = try file.column("path").texts()
    let components =
      file.columnNames.contains("ds") ? try file.column("ds").texts() : paths.map { _ in nil }
    var rows: [Row] = []
    var known: Set<String> = []
    for (number, text) in paths.enumerated() {
      let name = text?.split(separator: "/", omittingEmptySubsequences: false).last.map(String.init)
      guard let name, !["", ".", ".."].contains(name), !name.contains("\0") else {
        throw .malformed(
          path: path, format: "M3LEO shard", reason: "row \(number) names no file")
      }
      guard known.insert("\(components[number] ?? "")/\(name)").inserted else {
        throw .malformed(path: path, format: "M3LEO shard", reason: "'\(name)' occurs twice")
      }
      rows.append(Row(fileName: name, component: components[number], number: number))
    }
    self.rows = rows
  }

  /// The chips of a component, with those whose component the shard does not say.
  package func rows(of component: M3LEOComponent) -> [Row] {
    rows.filter { $0.component.map(component.spellings.contains) ?? true }
  }

  /// The file in a row, to be opened by its component; messages call it by the shard's path and its
  /// name.
  package func file(_ row: Row) -> ChipFile {
    let name = "\(path)/\(row.fileName)"
    let content = content
    return ChipFile(path: name) {
      guard let bytes = try content.value(row.number) else {
        throw FormatError.malformed(path: name, format: "M3LEO shard", reason: "it has no content")
      }
      return bytes
    }
  }
}
