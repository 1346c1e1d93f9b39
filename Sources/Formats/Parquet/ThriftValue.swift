/// A value of Thrift's compact protocol (Apache Thrift, `thrift-compact-protocol.md`), in which
/// Parquet describes files and pages.
enum ThriftValue {
  case boolean(Bool)
  case integer(Int)
  /// Bytes or text, by their place in what was read.
  case binary(Range<Int>)
  case list([ThriftValue])
  /// By field number.
  case structure([Int: ThriftValue])
  /// Kinds that Parquet's headers use for nothing read here.
  case other

  /// Deeper than any header of Parquet.
  private static let deepest = 16

  /// Reads one structure.
  static func structure(_ cursor: inout ByteCursor) throws(ParquetDamage) -> ThriftValue {
    .structure(try fields(&cursor, depth: 0))
  }

  subscript(field: Int) -> ThriftValue? {
    guard case .structure(let fields) = self else { return nil }
    return fields[field]
  }

  /// The number in a field of a structure; nil where it is absent or something else.
  func integer(_ field: Int) -> Int? {
    guard case .integer(let value) = self[field] else { return nil }
    return value
  }

  /// The list in a field of a structure, empty where it is absent or something else.
  func list(_ field: Int) -> [ThriftValue] {
    guard case .list(let values) = self[field] else { return [] }
    return values
  }

  /// The text of a binary value, from the bytes it was read from.
  func text(in bytes: UnsafeRawBufferPointer) -> String? {
    guard case .binary(let range) = self else { return nil }
    return String(decoding: bytes[range], as: UTF8.self)
  }

  private static func fields(
    _ cursor: inout ByteCursor, depth: Int
  ) throws(ParquetDamage) -> [Int: ThriftValue] {
    guard depth < deepest else { throw ParquetDamage("its header is nested too deep") }
    var fields: [Int: ThriftValue] = [:]
    var number = 0
    while true {
      let header = try cursor.byte()
      let kind = header & 0x0F
      guard kind != 0 else { return fields }
      // Fields are numbered by their distance from the one before, or in full.
      number =
        header >> 4 == 0
        ? Int(Int16(truncatingIfNeeded: try zigzag(&cursor))) : number + Int(header >> 4)
      fields[number] =
        switch kind {
        case 1: .boolean(true)
        case 2: .boolean(false)
        default: try value(kind, &cursor, depth: depth)
        }
    }
  }

  private static func value(
    _ kind: UInt8, _ cursor: inout ByteCursor, depth: Int
  ) throws(ParquetDamage) -> ThriftValue {
    switch kind {
    // In lists a truth value has a byte of its own.
    case 1, 2: return .boolean(try cursor.byte() == 1)
    case 3: return .integer(Int(Int8(bitPattern: try cursor.byte())))
    case 4, 5, 6: return .integer(try zigzag(&cursor))
    case 7:
      _ = try cursor.take(8)
      return .other
    case 8:
      let bytes = try cursor.take(try cursor.count())
      return .binary((cursor.position - bytes.count)..<cursor.position)
    case 9, 10:
      let header = try cursor.byte()
      let count = header >> 4 == 15 ? try cursor.count() : Int(header >> 4)
      // Each element has a byte at least.
      guard count <= cursor.remaining else { throw .ended }
      var values: [ThriftValue] = []
      values.reserveCapacity(min(count, 1024))
      for _ in 0..<count { values.append(try element(header & 0x0F, &cursor, depth: depth)) }
      return .list(values)
    case 11:
      let count = try cursor.count()
      guard count <= cursor.remaining else { throw .ended }
      guard count > 0 else { return .other }
      let kinds = try cursor.byte()
      for _ in 0..<count {
        _ = try element(kinds >> 4, &cursor, depth: depth)
        _ = try element(kinds & 0x0F, &cursor, depth: depth)
      }
      return .other
    case 12: return .structure(try fields(&cursor, depth: depth + 1))
    case 13:
      _ = try cursor.take(16)
      return .other
    default: throw ParquetDamage("its header has a value of unknown kind \(kind)")
    }
  }

  private static func element(
    _ kind: UInt8, _ cursor: inout ByteCursor, depth: Int
  ) throws(ParquetDamage) -> ThriftValue {
    guard depth < deepest else { throw ParquetDamage("its header is nested too deep") }
    return try value(kind, &cursor, depth: depth + 1)
  }

  /// A signed number whose sign is the lowest bit.
  private static func zigzag(_ cursor: inout ByteCursor) throws(ParquetDamage) -> Int {
    let value = try cursor.varint()
    return Int(bitPattern: UInt(value >> 1)) ^ -Int(bitPattern: UInt(value & 1))
  }
}
