/// Why bytes are not what the format prescribes; becomes a `FormatError` where the path is known.
struct ParquetDamage: Error, Equatable {
  let reason: String

  init(_ reason: String) { self.reason = reason }

  static let ended = ParquetDamage("it ends too early")
}

/// A place in borrowed bytes that moves on as they are read; nothing is read beyond their end.
struct ByteCursor {
  let bytes: UnsafeRawBufferPointer
  private(set) var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var remaining: Int { bytes.count - position }

  mutating func byte() throws(ParquetDamage) -> UInt8 {
    guard position < bytes.count else { throw .ended }
    defer { position += 1 }
    return bytes[position]
  }

  /// The next `count` bytes.
  mutating func take(_ count: Int) throws(ParquetDamage) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= remaining else { throw .ended }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
  }

  /// 32 bits, the lowest byte first.
  mutating func u32() throws(ParquetDamage) -> UInt32 {
    UInt32(littleEndian: try take(4).loadUnaligned(as: UInt32.self))
  }

  /// A number of groups of 7 bits, the lowest first (ULEB128).
  mutating func varint() throws(ParquetDamage) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: 0, through: 63, by: 7) {
      let next = try byte()
      guard shift < 63 || next < 2 else { break }
      value |= UInt64(next & 0x7F) << shift
      if next < 0x80 { return value }
    }
    throw ParquetDamage("a number is longer than 64 bits")
  }

  /// A count that a varint holds.
  mutating func count() throws(ParquetDamage) -> Int {
    guard let value = Int(exactly: try varint()) else {
      throw ParquetDamage("a count is too large")
    }
    return value
  }
}
