/// Numbers of a fixed width in runs: repeated ones, or packed bit by bit (Parquet, `Encodings.md`,
/// "Run Length Encoding / Bit-Packing Hybrid").
enum HybridRuns {
  /// Reads `count` numbers of `width` bits, at most 32.
  ///
  /// - Throws: `ParquetDamage` where the bytes end before, or a run is longer than what is wanted and
  ///   cannot be the padding of the last group.
  static func read(
    _ cursor: inout ByteCursor, width: Int, count: Int
  ) throws(ParquetDamage) -> [UInt32] {
    guard (0...32).contains(width) else { throw ParquetDamage("numbers have \(width) bits") }
    var values: [UInt32] = []
    values.reserveCapacity(min(count, 1 << 16))
    while values.count < count {
      let header = try cursor.varint()
      guard let length = Int(exactly: header >> 1), length > 0 else {
        throw ParquetDamage("a run has no length")
      }
      let wanted = count - values.count
      if header & 1 == 0 {
        guard length <= wanted else { throw ParquetDamage("a run is longer than its page") }
        var value: UInt32 = 0
        for (place, byte) in try cursor.take((width + 7) / 8).enumerated() {
          value |= UInt32(byte) << (8 * place)
        }
        values.append(contentsOf: repeatElement(value, count: length))
      } else {
        // Groups of 8; the last is filled up.
        guard length <= (wanted + 7) / 8 else {
          throw ParquetDamage("a run is longer than its page")
        }
        unpack(
          try cursor.take(length * width), width: width, count: min(wanted, length * 8), &values)
      }
    }
    return values
  }

  /// Numbers from the lowest bit of the first byte on.
  private static func unpack(
    _ bytes: UnsafeRawBufferPointer, width: Int, count: Int, _ values: inout [UInt32]
  ) {
    let mask = width == 32 ? UInt64(UInt32.max) : (1 << UInt64(width)) - 1
    var bits: UInt64 = 0
    var held = 0
    var next = 0
    for _ in 0..<count {
      while held < width {
        bits |= UInt64(bytes[next]) << UInt64(held)
        held += 8
        next += 1
      }
      values.append(UInt32(bits & mask))
      bits >>= UInt64(width)
      held -= width
    }
  }
}
