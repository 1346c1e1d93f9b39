/// Reads a pickle's operands; every length is compared with what is left.
///
/// Borrowed: the memory must outlive the value.
struct PickleInput {
  private let bytes: UnsafeRawBufferPointer
  private(set) var position: Int

  /// Begins at `position`; what follows the pickle is not touched.
  init(bytes: UnsafeRawBufferPointer, position: Int) {
    self.bytes = bytes
    self.position = position
  }

  mutating func byte() throws(PickleError) -> UInt8 {
    guard position < bytes.count else { throw malformed("it is cut off") }
    position += 1
    return bytes[position - 1]
  }

  mutating func take(_ count: Int) throws(PickleError) -> [UInt8] {
    guard count <= bytes.count - position else { throw malformed("it is cut off") }
    position += count
    return Array(bytes[position - count..<position])
  }

  /// A little-endian number of up to 8 bytes.
  mutating func unsigned(_ count: Int) throws(PickleError) -> Int {
    let value = try take(count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard let value = Int(exactly: value) else { throw malformed("a length beyond memory") }
    return value
  }

  /// A little-endian number in two's complement of any length that fits 64 bits.
  mutating func long(count: Int) throws(PickleError) -> Int {
    guard count <= 8 else { throw malformed("an integer beyond 64 bits") }
    let digits = try take(count)
    let isNegative = digits.last.map { $0 >= 0x80 } ?? false
    let value = digits.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) }
    return value
  }

  mutating func double() throws(PickleError) -> Double {
    Double(bitPattern: try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
  }

  mutating func text(count: Int) throws(PickleError) -> String {
    guard let text = String(validating: try take(count), as: UTF8.self) else {
      throw malformed("a text is not valid UTF-8")
    }
    return text
  }

  mutating func line() throws(PickleError) -> String {
    guard let end = bytes[position...].firstIndex(of: 0x0A) else {
      throw malformed("it is cut off")
    }
    let text = try text(count: end - position)
    position += 1
    return text
  }

  /// Protocol 0: digits, or `00` and `01` for truth values.
  mutating func decimal() throws(PickleError) -> PickleValue {
    let text = try line()
    if text == "00" { return .bool(false) }
    if text == "01" { return .bool(true) }
    guard let value = Int(text) else { throw malformed("'\(text)' is not an integer") }
    return .integer(value)
  }

  mutating func decimalFraction() throws(PickleError) -> Double {
    let text = try line()
    guard let value = Double(text) else { throw malformed("'\(text)' is not a number") }
    return value
  }

  func malformed(_ reason: String) -> PickleError {
    .malformed(position: position, reason: reason)
  }
}
