import Foundation

/// The part of an `.npy` file before its data: a Python dictionary in text form.
struct NPYHeader {
  let shape: [Int]
  let elementType: NPYFile.ElementType
  let isFortranOrder: Bool
  let dataOffset: Int

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// NumPy's own limit is 10,000 unless told otherwise.
  private static let longestHeader = 1 << 20

  /// Reads the header and checks that the data is all there.
  ///
  /// `bytes` may be the start of an array of `size` bytes.
  init(
    _ bytes: UnsafeRawBufferPointer, size: Int? = nil, path: String
  ) throws(FormatError) {
    let size = size ?? bytes.count
    func malformed(_ reason: String) -> FormatError {
      .malformed(path: path, format: "npy", reason: reason)
    }
    guard bytes.count >= 10, bytes.prefix(6).elementsEqual(Self.magic) else {
      throw malformed("it does not begin with NumPy's mark")
    }
    let numbers = LittleEndianBytes(bytes)
    let version = bytes[6]
    guard (1...3).contains(version) else { throw malformed("version \(version) is unknown") }
    let length = version == 1 ? numbers.u16(8).map { Int($0) } : numbers.u32(8).map { Int($0) }
    let textStart = version == 1 ? 10 : 12
    guard let length, length <= Self.longestHeader, length <= bytes.count - textStart else {
      throw malformed("the header is cut off")
    }
    dataOffset = textStart + length
    let text = String(decoding: bytes[textStart..<dataOffset], as: UTF8.self)
    var parser = PythonDictionary(text)
    guard let fields = parser.fields(), case .text(let description) = fields["descr"],
      case .flag(let isFortranOrder) = fields["fortran_order"],
      case .sizes(let shape) = fields["shape"]
    else { throw malformed("the header does not give descr, fortran_order and shape") }
    guard let elementType = Self.elementType(description) else {
      throw .unsupported(
        path: path, what: "element type '\(description)'",
        remedy: "Save it as little-endian numbers, for example `a.astype('<f4')`.")
    }
    var byteCount = elementType.byteCount
    for length in shape {
      let (product, overflow) = byteCount.multipliedReportingOverflow(by: length)
      guard length >= 0, !overflow else { throw malformed("the shape \(shape) is impossible") }
      byteCount = product
    }
    guard byteCount == size - dataOffset else {
      throw malformed(
        "shape \(shape) of \(elementType.rawValue) needs \(byteCount) bytes, "
          + "it has \(size - dataOffset)")
    }
    self.shape = shape
    self.elementType = elementType
    self.isFortranOrder = isFortranOrder
  }

  /// Header of version 1 for little-endian data in row-major order, padded so that data begins at a
  /// multiple of 64.
  static func encode(type: NPYFile.ElementType, shape: [Int]) -> Data {
    let sizes = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text =
      "{'descr': '<\(type.rawValue)', 'fortran_order': False, 'shape': (\(sizes)), }"
    while (10 + text.utf8.count + 1) % 64 != 0 { text += " " }
    text += "\n"
    var data = Data(magic + [1, 0])
    withUnsafeBytes(of: UInt16(text.utf8.count).littleEndian) { data.append(contentsOf: $0) }
    data.append(contentsOf: text.utf8)
    return data
  }

  private static func elementType(_ description: String) -> NPYFile.ElementType? {
    guard let order = description.first,
      let type = NPYFile.ElementType(
        rawValue: String(description.dropFirst()))
    else { return nil }
    let isKnownOrder = order == "<" || (order == "|" && type.byteCount == 1)
    return isKnownOrder ? type : nil
  }
}

/// Reads `{'key': 'text' | True | (1, 2), …}`.
private struct PythonDictionary {
  enum Value { case text(String), flag(Bool), sizes([Int]) }

  private var rest: Substring

  init(_ text: String) { rest = text[...] }

  /// All fields, or nil where the text is anything else.
  mutating func fields() -> [String: Value]? {
    var fields: [String: Value] = [:]
    guard take("{") else { return nil }
    while !take("}") {
      guard let key = quoted(), take(":"), let value = value() else { return nil }
      fields[key] = value
      guard take(",") || peek == "}" else { return nil }
    }
    return fields
  }

  private mutating func value() -> Value? {
    if peek == "'" || peek == "\"" { return quoted().map { .text($0) } }
    if take("(") { return sizes().map { .sizes($0) } }
    if take("True") { return .flag(true) }
    if take("False") { return .flag(false) }
    return nil
  }

  private mutating func sizes() -> [Int]? {
    var sizes: [Int] = []
    while !take(")") {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let size = Int(digits) else { return nil }
      rest = rest.dropFirst(digits.count)
      // Python 2 wrote long integers with this letter.
      _ = take("L")
      sizes.append(size)
      guard take(",") || peek == ")" else { return nil }
    }
    return sizes
  }

  private mutating func quoted() -> String? {
    guard let mark = peek, mark == "'" || mark == "\"" else { return nil }
    rest = rest.dropFirst()
    let text = rest.prefix { $0 != mark }
    rest = rest.dropFirst(text.count)
    guard take(String(mark)) else { return nil }
    return String(text)
  }

  private var peek: Character? { rest.first }

  private mutating func take(_ mark: String) -> Bool {
    skipSpace()
    guard rest.hasPrefix(mark) else { return false }
    rest = rest.dropFirst(mark.count)
    skipSpace()
    return true
  }

  private mutating func skipSpace() { rest = rest.drop { $0.isWhitespace } }
}
