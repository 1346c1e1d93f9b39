import Foundation

/// A table of texts with a header line: commas, semicolons or tabs, quotes as RFC 4180 says.
package struct CSVTable: Sendable {
  package let path: String
  /// Names of the columns, in their order.
  package let columns: [String]
  /// One text for each column.
  package let rows: [[String]]

  /// Reads the file at `path`; the separator is the one of `,`, `;` and tab that the header has most.
  ///
  /// - Throws: `FormatError.fileMissing`, or `.malformed` for a file that is no table.
  package init(path: String) throws(FormatError) {
    guard FileManager.default.fileExists(atPath: path) else { throw .fileMissing(path: path) }
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw .malformed(path: path, format: "CSV", reason: "it is not UTF-8 text")
    }
    try self.init(text: text, path: path)
  }

  /// A table that was read from another form of file.
  package init(path: String, columns: [String], rows: [[String]]) {
    precondition(rows.allSatisfy { $0.count == columns.count }, "rows of other lengths")
    self.path = path
    self.columns = columns
    self.rows = rows
  }

  /// Reads a text that came from `path`.
  package init(text: String, path: String) throws(FormatError) {
    self.path = path
    let bytes = Array(
      text.utf8.starts(with: [0xEF, 0xBB, 0xBF]) ? text.utf8.dropFirst(3)[...] : text.utf8[...])
    var records = try Self.records(bytes, separator: Self.separator(of: bytes), path)
    guard let header = records.first, !header.allSatisfy(\.isEmpty) else {
      throw .malformed(path: path, format: "CSV", reason: "it has no header line")
    }
    columns = header.map { $0.trimmingCharacters(in: .whitespaces) }
    records.removeFirst()
    for (number, record) in records.enumerated() where record.count != columns.count {
      throw .malformed(
        path: path, format: "CSV",
        reason: "record \(number + 2) has \(record.count) fields, the header \(columns.count)")
    }
    rows = records
  }

  /// Number of a column; nil where there is none of that name.
  package func column(_ name: String) -> Int? { columns.firstIndex(of: name) }

  private static func separator(of bytes: [UInt8]) -> UInt8 {
    let header = bytes.prefix { $0 != 10 && $0 != 13 }
    let candidates = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]
    return candidates.max { first, second in
      header.count { $0 == first } < header.count { $0 == second }
    } ?? candidates[0]
  }

  /// Records with a text for each field; lines without any character are passed over.
  private static func records(
    _ bytes: [UInt8], separator: UInt8, _ path: String
  ) throws(FormatError) -> [[String]] {
    let (quote, feed, carriage) = (UInt8(ascii: "\""), UInt8(10), UInt8(13))
    var records: [[String]] = []
    var record: [String] = []
    var field: [UInt8] = []
    var isQuoted = false
    var place = 0
    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    while place < bytes.count {
      let byte = bytes[place]
      place += 1
      if isQuoted {
        guard byte == quote else {
          field.append(byte)
          continue
        }
        if place < bytes.count, bytes[place] == quote {
          field.append(quote)
          place += 1
        } else {
          isQuoted = false
        }
      } else if byte == quote, field.isEmpty {
        isQuoted = true
      } else if byte == separator {
        record.append(text(field))
        field = []
      } else if byte == feed || byte == carriage {
        if !record.isEmpty || !field.isEmpty { records.append(record + [text(field)]) }
        (record, field) = ([], [])
      } else {
        field.append(byte)
      }
    }
    guard !isQuoted else {
      throw .malformed(path: path, format: "CSV", reason: "a quoted field does not end")
    }
    if !record.isEmpty || !field.isEmpty { records.append(record + [text(field)]) }
    return records
  }
}
