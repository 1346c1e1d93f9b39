/// TIFF's LZW (TIFF 6.0, section 13): codes of 9 to 12 bits, the highest bit first, that grow one code
/// early; 256 empties the table, 257 ends.
///
/// A string of the table is the one decoded before and the first byte of the next: both stand one after
/// the other in the output, so an entry is a place there and a length.
struct TIFFLZW {
  private static let clear = 256
  private static let end = 257
  /// Bytes behind the output that may be written over, since strings are copied by eight bytes.
  static let slack = 8

  private var starts = [Int](repeating: 0, count: 4096)
  private var lengths = [Int](repeating: 0, count: 4096)

  /// Fills `target` but for its last `slack` bytes; false where the stream is damaged or shorter.
  mutating func decode(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    let wanted = target.count - Self.slack
    guard let output = target.baseAddress, wanted >= 0, source.count >= 2,
      // Streams of old writers begin with the lowest bit.
      !(source[0] == 0 && source[1] & 1 != 0)
    else { return false }
    return starts.withUnsafeMutableBufferPointer { starts in
      lengths.withUnsafeMutableBufferPointer { lengths in
        var (bits, bitCount, read) = (UInt64(0), 0, 0)
        var (next, width) = (258, 9)
        var (written, before, beforeLength) = (0, 0, 0)
        while written < wanted {
          while bitCount < width {
            guard read < source.count else { return false }
            bits = bits << 8 | UInt64(source[read])
            read += 1
            bitCount += 8
          }
          bitCount -= width
          let code = Int(truncatingIfNeeded: bits >> UInt64(bitCount)) & (1 << width - 1)
          if code == Self.clear {
            (next, width, beforeLength) = (258, 9, 0)
            continue
          }
          guard code != Self.end else { return false }
          let place = written
          var length = 1
          if code < 256 {
            output.storeBytes(of: UInt8(code), toByteOffset: written, as: UInt8.self)
          } else {
            // The code to come is the string before and its own first byte.
            let isNew = code == next
            guard beforeLength > 0, code < next || isNew else { return false }
            let start = isNew ? before : starts[code]
            length = isNew ? beforeLength + 1 : lengths[code]
            guard length <= wanted - written else { return false }
            if isNew, beforeLength < 8 {
              for byte in 0..<length {
                output.storeBytes(
                  of: output.load(fromByteOffset: start + byte, as: UInt8.self),
                  toByteOffset: written + byte, as: UInt8.self)
              }
            } else {
              for byte in stride(from: 0, to: length, by: 8) {
                output.storeBytes(
                  of: output.loadUnaligned(fromByteOffset: start + byte, as: UInt64.self),
                  toByteOffset: written + byte, as: UInt64.self)
              }
            }
          }
          written += length
          if beforeLength > 0 {
            guard next < 4096 else { return false }
            starts[next] = before
            lengths[next] = beforeLength + 1
            next += 1
            if next >= 1 << width - 1, width < 12 { width += 1 }
          }
          (before, beforeLength) = (place, length)
        }
        return true
      }
    }
  }
}
