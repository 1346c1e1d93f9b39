/// A page as its header describes it.
struct ParquetPage: Sendable {
  enum Kind: Sendable, Equatable {
    case dictionary
    /// Levels and values are compressed together.
    case first
    /// Levels stand uncompressed before the values, in so many bytes.
    case second(levels: Int, nullCount: Int, isCompressed: Bool)
  }

  let kind: Kind
  /// Rows of a data page, entries of a dictionary.
  let count: Int
  let encoding: Int
  let uncompressedSize: Int
  /// CRC-32 of the stored bytes, where the writer gave one.
  let checksum: UInt32?
  /// Where the stored bytes lie in the file.
  let range: Range<Int>

  /// How values are written: plain, or as numbers of entries of a dictionary (two names of one).
  enum Encoding {
    static let plain = 0
    static let dictionary: Set = [2, 8]
    static let runs = 3
  }

  /// Reads the header at the start of `bytes`, which lie at `offset` in the file; nil for a page that
  /// holds no values.
  static func read(
    _ cursor: inout ByteCursor, offset: Int
  ) throws(ParquetDamage) -> ParquetPage? {
    var header = ByteCursor(UnsafeRawBufferPointer(rebasing: cursor.bytes[cursor.position...]))
    let value = try ThriftValue.structure(&header)
    _ = try cursor.take(header.position)
    guard let size = value.integer(3), let full = value.integer(2), full >= 0 else {
      throw ParquetDamage("a page has no size")
    }
    let start = offset + cursor.position
    _ = try cursor.take(size)
    let range = start..<(start + size)
    let checksum = value.integer(4).map { UInt32(truncatingIfNeeded: $0) }
    func page(_ kind: Kind, _ part: ThriftValue, encoding field: Int) throws(ParquetDamage)
      -> ParquetPage
    {
      guard let count = part.integer(1), count >= 0, let encoding = part.integer(field) else {
        throw ParquetDamage("a page is not described")
      }
      return ParquetPage(
        kind: kind, count: count, encoding: encoding, uncompressedSize: full, checksum: checksum,
        range: range)
    }
    switch value.integer(1) {
    case 0:
      guard let part = value[5] else { throw ParquetDamage("a page is not described") }
      // Levels are runs since 2013.
      guard part.integer(3) == Encoding.runs else {
        throw ParquetDamage("a page has levels of another encoding")
      }
      return try page(.first, part, encoding: 2)
    case 1: return nil
    case 2:
      guard let part = value[7] else { throw ParquetDamage("a page is not described") }
      return try page(.dictionary, part, encoding: 2)
    case 3:
      guard let part = value[8], let levels = part.integer(5), let nulls = part.integer(2),
        part.integer(6) == 0, part.integer(3) == part.integer(1)
      else { throw ParquetDamage("a page is not described") }
      var isCompressed = true
      if case .boolean(let flag) = part[7] { isCompressed = flag }
      return try page(
        .second(levels: levels, nullCount: nulls, isCompressed: isCompressed), part, encoding: 4)
    default: throw ParquetDamage("a page is of unknown kind")
    }
  }

  /// Values of a page: where each lies in `bytes`, nil where there is none.
  struct Content: Sendable {
    let bytes: [UInt8]
    let cells: [Range<Int>?]
  }

  /// Entries of a dictionary page.
  func dictionary(
    _ stored: UnsafeRawBufferPointer, _ codec: ParquetCodec
  ) throws(ParquetDamage) -> Content {
    guard kind == .dictionary, encoding == Encoding.plain || encoding == 2 else {
      throw ParquetDamage("a dictionary is of another encoding")
    }
    try verify(stored)
    let bytes = try codec.decompress(stored, size: uncompressedSize)
    return Content(bytes: bytes, cells: try Self.plain(bytes, from: 0, count: count))
  }

  /// Values of a data page.
  func content(
    _ stored: UnsafeRawBufferPointer, _ codec: ParquetCodec, isOptional: Bool, dictionary: Content?
  ) throws(ParquetDamage) -> Content {
    try verify(stored)
    var bytes: [UInt8]
    var isPresent: [Bool]?
    var start = 0
    switch kind {
    case .dictionary: throw ParquetDamage("a dictionary stands in place of values")
    case .first:
      bytes = try codec.decompress(stored, size: uncompressedSize)
      if isOptional {
        (isPresent, start) = try Self.reading(bytes, from: 0) { (cursor) throws(ParquetDamage) in
          let length = Int(try cursor.u32())
          var levels = ByteCursor(try cursor.take(length))
          return try present(&levels)
        }
      }
    case .second(let levels, let nullCount, let isCompressed):
      guard levels >= 0, levels <= min(stored.count, uncompressedSize) else { throw .ended }
      let rest = UnsafeRawBufferPointer(rebasing: stored[levels...])
      bytes = try (isCompressed ? codec : .none).decompress(
        rest, size: uncompressedSize - levels)
      if isOptional {
        var cursor = ByteCursor(UnsafeRawBufferPointer(rebasing: stored[..<levels]))
        isPresent = try present(&cursor)
      } else if levels > 0 {
        throw ParquetDamage("a column without levels has some")
      }
      guard nullCount == isPresent?.count(where: { !$0 }) ?? 0 else {
        throw ParquetDamage("a page has another number of values")
      }
    }
    let valueCount = isPresent?.count(where: { $0 }) ?? count
    let source = bytes
    var values: [Range<Int>?]
    if encoding == Encoding.plain {
      values = try Self.plain(source, from: start, count: valueCount)
    } else if Encoding.dictionary.contains(encoding), let dictionary {
      let (numbers, _) = try Self.reading(source, from: start) {
        (cursor) throws(ParquetDamage) -> [UInt32] in
        guard valueCount > 0 else { return [] }
        let width = Int(try cursor.byte())
        let numbers = try HybridRuns.read(&cursor, width: width, count: valueCount)
        guard cursor.remaining == 0 else { throw ParquetDamage("a page is longer than its values") }
        return numbers
      }
      values = []
      values.reserveCapacity(valueCount)
      for number in numbers {
        guard number < dictionary.cells.count else {
          throw ParquetDamage("a value is not in its dictionary")
        }
        values.append(dictionary.cells[Int(number)])
      }
      bytes = dictionary.bytes
    } else {
      throw ParquetDamage("values have the encoding \(encoding), which is not read here")
    }
    guard let isPresent else { return Content(bytes: bytes, cells: values) }
    var next = 0
    var cells: [Range<Int>?] = []
    cells.reserveCapacity(isPresent.count)
    for flag in isPresent {
      cells.append(flag ? values[next] : nil)
      if flag { next += 1 }
    }
    return Content(bytes: bytes, cells: cells)
  }

  private func verify(_ stored: UnsafeRawBufferPointer) throws(ParquetDamage) {
    if let checksum, crc32Checksum(stored) != checksum {
      throw ParquetDamage("a page does not fit its checksum")
    }
  }

  /// Whether each row has a value: definition levels of one bit.
  private func present(_ cursor: inout ByteCursor) throws(ParquetDamage) -> [Bool] {
    let levels = try HybridRuns.read(&cursor, width: 1, count: count)
    guard cursor.remaining == 0 else { throw ParquetDamage("a page has too many levels") }
    guard levels.allSatisfy({ $0 < 2 }) else { throw ParquetDamage("a level is above 1") }
    return levels.map { $0 == 1 }
  }

  /// Lengths of 32 bits, each before its value, up to the end.
  private static func plain(
    _ bytes: [UInt8], from start: Int, count: Int
  ) throws(ParquetDamage) -> [Range<Int>?] {
    guard count <= (bytes.count - start) / 4 else { throw .ended }
    let (cells, end) = try reading(bytes, from: start) {
      (cursor) throws(ParquetDamage) -> [Range<Int>?] in
      var cells: [Range<Int>?] = []
      cells.reserveCapacity(count)
      for _ in 0..<count {
        let length = Int(try cursor.u32())
        _ = try cursor.take(length)
        let end = start + cursor.position
        cells.append((end - length)..<end)
      }
      return cells
    }
    guard end == bytes.count else { throw ParquetDamage("a page is longer than its values") }
    return cells
  }

  /// What `body` reads from a place on, and the place where it stopped.
  private static func reading<Result>(
    _ bytes: [UInt8], from start: Int,
    _ body: (inout ByteCursor) throws(ParquetDamage) -> Result
  ) throws(ParquetDamage) -> (Result, end: Int) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(ParquetDamage) in
      var cursor = ByteCursor(
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[start...]))
      let result = try body(&cursor)
      return (result, start + cursor.position)
    }
  }
}
