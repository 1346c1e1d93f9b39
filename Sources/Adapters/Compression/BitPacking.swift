/// Whole numbers of few bits one after another, each with its lowest bit first, beginning with the lowest
/// bit of a byte; unused bits of the last byte are zero.
enum BitPacking {
  /// Bytes that `count` numbers take.
  static func byteCount(_ count: Int, bits: Int) -> Int { (count * bits + 7) / 8 }

  static func packed(_ codes: [UInt8], bits: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: byteCount(codes.count, bits: bits))
    var place = 0
    for code in codes {
      let (byte, shift) = (place / 8, place % 8)
      bytes[byte] |= code << UInt8(shift)
      if shift + bits > 8 { bytes[byte + 1] |= code >> UInt8(8 - shift) }
      place += bits
    }
    return bytes
  }
}
