/// A Parquet file (Apache Parquet format 2.10) open for reading columns of bytes or text, row by row.
///
/// Columns that lie directly in a row and are required or optional are read: uncompressed, Snappy or
/// Zstandard; plain, or by a dictionary; data pages of both versions. Only the description of the file is held;
/// contents are read when asked for. Sizes and counts are checked against the file before anything is
/// allocated.
package final class ParquetFile: Sendable {
  /// A column as the schema has it.
  struct Field: Sendable {
    let name: String
    /// Number of the physical type; 6 is bytes.
    let type: Int?
    /// 0 required, 1 optional, 2 repeated.
    let repetition: Int
    let isNested: Bool
  }

  /// A column's part of a group of rows.
  struct Chunk: Sendable {
    let codec: Int
    let rowCount: Int
    /// The same as rows, but for lists.
    let valueCount: Int
    /// Where its pages lie in the file, without gaps.
    let range: Range<Int>
  }

  package let path: String
  package let rowCount: Int
  let file: MappedFile
  private let fields: [Field]
  /// By column, in the order of the rows.
  private let chunks: [String: [Chunk]]

  /// Names of the columns, in the file's order.
  package var columnNames: [String] { fields.map(\.name) }

  private static let magic = Array("PAR1".utf8)
  private static let encryptedMagic = Array("PARE".utf8)
  private static let largestFooter = 1 << 24
  private static let mostRows = 1 << 24

  /// Opens `path` and reads its description.
  ///
  /// - Throws: `FormatError.fileMissing`, `.cannotRead`, `.malformed` or `.unsupported`.
  package init(path: String) throws(FormatError) {
    self.path = path
    file = try MappedFile(path: path)
    let count = file.bytes.count
    let end = count >= 12 ? file.data(in: (count - 4)..<count) : []
    if end == Self.encryptedMagic {
      throw .unsupported(path: path, what: "an encrypted footer", remedy: "Decrypt the file.")
    }
    guard end == Self.magic, file.data(in: 0..<4) == Self.magic else {
      throw .malformed(path: path, format: "Parquet", reason: "it does not begin and end with PAR1")
    }
    let length = file.withBytes(in: (count - 8)..<(count - 4)) {
      Int(UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self)))
    }
    guard length <= min(count - 12, Self.largestFooter) else {
      throw .malformed(
        path: path, format: "Parquet", reason: "its footer claims \(length) of \(count) bytes")
    }
    let start = count - 8 - length
    do {
      (fields, chunks, rowCount) = try file.withBytes(in: start..<(count - 8)) {
        (bytes) throws(ParquetDamage) in
        var cursor = ByteCursor(bytes)
        let footer = try ThriftValue.structure(&cursor)
        let fields = try Self.fields(footer, bytes)
        let (chunks, rows) = try Self.chunks(footer, bytes, end: start, of: fields.map(\.name))
        return (fields, chunks, rows)
      }
    } catch {
      throw .malformed(path: path, format: "Parquet", reason: error.reason)
    }
  }

  /// A column of bytes or text.
  ///
  /// - Throws: `FormatError.objectMissing` with the columns that the file has, `.wrongElementType`,
  ///   `.unsupported`, `.malformed`.
  package func column(_ name: String) throws(FormatError) -> ParquetColumn {
    guard let field = fields.first(where: { $0.name == name }), let chunks = chunks[name] else {
      throw .objectMissing(path: path, object: name, kind: "column", available: columnNames)
    }
    guard !field.isNested, field.repetition < 2 else {
      throw .unsupported(
        path: path, what: "column '\(name)' of lists or groups",
        remedy: "Write the file with one value in each row.")
    }
    let types = ["truth values", "int32", "int64", "int96", "float32", "float64", "bytes"]
    guard field.type == types.count - 1 else {
      let found =
        field.type.flatMap { types.indices.contains($0) ? types[$0] : nil } ?? "another type"
      throw .wrongElementType(path: path, object: name, expected: "bytes", found: found)
    }
    return try ParquetColumn(self, name, chunks, isOptional: field.repetition == 1)
  }

  /// The children of the root; what they hold is passed over.
  private static func fields(
    _ footer: ThriftValue, _ bytes: UnsafeRawBufferPointer
  ) throws(ParquetDamage) -> [Field] {
    let elements = footer.list(2)
    guard let root = elements.first, let count = root.integer(5), count >= 0 else {
      throw ParquetDamage("it has no schema")
    }
    var fields: [Field] = []
    var next = 1
    while fields.count < count {
      guard next < elements.count, let name = elements[next][4]?.text(in: bytes) else {
        throw ParquetDamage("its schema ends too early")
      }
      let element = elements[next]
      let children = element.integer(5) ?? 0
      fields.append(
        Field(
          name: name, type: element.integer(1), repetition: element.integer(3) ?? 0,
          isNested: children > 0))
      // Elements follow their parents; what a group holds stands before the next field.
      var open = 1
      while open > 0 {
        guard next < elements.count, let more = elements[next].integer(5) ?? .some(0),
          (0...elements.count).contains(more)
        else { throw ParquetDamage("its schema ends too early") }
        open += more - 1
        next += 1
      }
    }
    guard next == elements.count, Set(fields.map(\.name)).count == fields.count else {
      throw ParquetDamage("its schema is contradictory")
    }
    return fields
  }

  private static func chunks(
    _ footer: ThriftValue, _ bytes: UnsafeRawBufferPointer, end: Int, of names: [String]
  ) throws(ParquetDamage) -> (chunks: [String: [Chunk]], rowCount: Int) {
    var chunks = Dictionary(uniqueKeysWithValues: names.map { ($0, [Chunk]()) })
    var total = 0
    for group in footer.list(4) {
      guard let rows = group.integer(3), rows >= 0, rows <= mostRows - total else {
        throw ParquetDamage("a group of rows has no sensible count")
      }
      total += rows
      var found: Set<String> = []
      for column in group.list(1) {
        guard let data = column[3] else { throw ParquetDamage("a column has no description") }
        let place = data.list(3).compactMap { $0.text(in: bytes) }
        // Parts of groups have longer places.
        guard place.count == 1 else { continue }
        guard chunks[place[0]] != nil, found.insert(place[0]).inserted else {
          throw ParquetDamage("column '\(place[0])' is not that of its schema")
        }
        guard column[1] == nil else {
          throw ParquetDamage("column '\(place[0])' lies in another file")
        }
        chunks[place[0]]?.append(try chunk(data, rows: rows, end: end, name: place[0]))
      }
    }
    guard footer.integer(3) == total else {
      throw ParquetDamage("its groups have \(total) rows in place of \(footer.integer(3) ?? -1)")
    }
    let groups = footer.list(4).count
    // A nested column has no part of one step.
    for (name, parts) in chunks where parts.count != groups && !parts.isEmpty {
      throw ParquetDamage("column '\(name)' is not in every group of rows")
    }
    return (chunks, total)
  }

  private static func chunk(
    _ data: ThriftValue, rows: Int, end: Int, name: String
  ) throws(ParquetDamage) -> Chunk {
    guard let codec = data.integer(4), let size = data.integer(7), let first = data.integer(9),
      let valueCount = data.integer(5)
    else { throw ParquetDamage("column '\(name)' is not described") }
    let dictionary = data.integer(11) ?? 0
    let start = dictionary > 0 ? min(dictionary, first) : first
    guard start >= 4, size >= 0, start <= end, size <= end - start else {
      throw ParquetDamage("column '\(name)' lies outside of the file")
    }
    return Chunk(
      codec: codec, rowCount: rows, valueCount: valueCount, range: start..<(start + size))
  }
}
