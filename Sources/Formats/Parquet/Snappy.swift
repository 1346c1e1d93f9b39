/// Snappy's raw format (google/snappy, `format_description.txt`): literals, and copies of what was
/// written before.
enum Snappy {
  /// Decompresses all of `source`, which begins with the size and must hold `size` bytes.
  ///
  /// - Throws: `ParquetDamage` where the bytes are damaged or the size is another.
  static func decompress(
    _ source: UnsafeRawBufferPointer, size: Int
  ) throws(ParquetDamage) -> [UInt8] {
    var cursor = ByteCursor(source)
    guard try cursor.count() == size else { throw ParquetDamage("a page has another size") }
    var output: [UInt8] = []
    output.reserveCapacity(size)
    while output.count < size {
      let tag = try cursor.byte()
      let high = Int(tag >> 2)
      switch tag & 3 {
      case 0:
        // Longer literals have their length in 1 to 4 bytes.
        let length = high < 60 ? high + 1 : try number(&cursor, bytes: high - 59) + 1
        guard length <= size - output.count else { throw damage }
        output.append(contentsOf: try cursor.take(length))
      case 1:
        let offset = Int(tag >> 5) << 8 | Int(try cursor.byte())
        try copy((high & 7) + 4, from: offset, &output, size)
      case 2: try copy(high + 1, from: try number(&cursor, bytes: 2), &output, size)
      default: try copy(high + 1, from: try number(&cursor, bytes: 4), &output, size)
      }
    }
    guard cursor.remaining == 0 else { throw damage }
    return output
  }

  private static let damage = ParquetDamage("a page is damaged")

  private static func number(
    _ cursor: inout ByteCursor, bytes: Int
  ) throws(ParquetDamage) -> Int {
    var value = 0
    for (place, byte) in try cursor.take(bytes).enumerated() { value |= Int(byte) << (8 * place) }
    return value
  }

  /// Appends what stands `offset` bytes before the end; the copy may reach into itself.
  private static func copy(
    _ length: Int, from offset: Int, _ output: inout [UInt8], _ size: Int
  ) throws(ParquetDamage) {
    guard offset > 0, offset <= output.count, length <= size - output.count else { throw damage }
    for _ in 0..<length { output.append(output[output.count - offset]) }
  }
}
