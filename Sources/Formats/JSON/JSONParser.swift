import Foundation

extension JSONValue {
  /// Parses a whole document by RFC 8259; keys that occur twice in an object are refused.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8 without byte order mark.
  ///   - path: File that the bytes come from, for errors.
  ///   - format: What the file claims to be, for errors.
  /// - Throws: `FormatError.malformed` with line and column.
  package init(
    parsing bytes: UnsafeRawBufferPointer, path: String, format: String = "JSON"
  ) throws(FormatError) {
    var parser = JSONParser(bytes: bytes)
    do {
      self = try parser.document()
    } catch {
      let consumed = bytes.prefix(error.position)
      let line = consumed.count { $0 == 0x0A } + 1
      let column = consumed.count - (consumed.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
      throw .malformed(
        path: path, format: format,
        reason: "JSON line \(line), column \(column): \(error.reason)")
    }
  }

  /// Parses the file at `path`.
  ///
  /// - Throws: `FormatError`.
  package init(contentsOf path: String) throws(FormatError) {
    let file = try MappedFile(path: path)
    self = try withExtendedLifetime(file) { () throws(FormatError) in
      try JSONValue(parsing: UnsafeRawBufferPointer(file.bytes), path: path)
    }
  }
}

/// Where and why parsing stopped.
private struct JSONSyntaxError: Error {
  let position: Int
  let reason: String
}

private struct JSONParser {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  private var depth = 0
  /// Deeper than any document of ours; protects the stack.
  private static let deepest = 100

  init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func document() throws(JSONSyntaxError) -> JSONValue {
    skipSpace()
    let result = try value()
    skipSpace()
    guard position == bytes.count else { throw failure("more follows after the document") }
    return result
  }

  private mutating func value() throws(JSONSyntaxError) -> JSONValue {
    guard let first = peek else {
      throw failure("the document ends where a value is expected")
    }
    switch first {
    case UInt8(ascii: "{"):
      return .object(
        try nested { (parser) throws(JSONSyntaxError) in try parser.object() })
    case UInt8(ascii: "["):
      return .array(
        try nested { (parser) throws(JSONSyntaxError) in try parser.array() })
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw failure("a value is expected")
    }
  }

  private mutating func nested<Result>(
    _ body: (inout JSONParser) throws(JSONSyntaxError) -> Result
  ) throws(JSONSyntaxError) -> Result {
    depth += 1
    guard depth <= Self.deepest else { throw failure("nested deeper than \(Self.deepest)") }
    position += 1
    let result = try body(&self)
    depth -= 1
    return result
  }

  private mutating func object() throws(JSONSyntaxError) -> JSONObject {
    var object = JSONObject()
    skipSpace()
    if take("}") { return object }
    repeat {
      skipSpace()
      let start = position
      guard peek == UInt8(ascii: "\"") else { throw failure("a key in quotes is expected") }
      let key = try string()
      guard object[key] == nil else {
        position = start
        throw failure("key '\(key)' occurs twice")
      }
      skipSpace()
      guard take(":") else { throw failure("':' is expected after the key") }
      skipSpace()
      object[key] = try value()
      skipSpace()
    } while take(",")
    guard take("}") else { throw failure("',' or '}' is expected") }
    return object
  }

  private mutating func array() throws(JSONSyntaxError) -> [JSONValue] {
    var elements: [JSONValue] = []
    skipSpace()
    if take("]") { return elements }
    repeat {
      skipSpace()
      elements.append(try value())
      skipSpace()
    } while take(",")
    guard take("]") else { throw failure("',' or ']' is expected") }
    return elements
  }

  private mutating func number() throws(JSONSyntaxError) -> JSONValue {
    let start = position
    var isInteger = true
    _ = take("-")
    if !take("0") { try digits() }
    if take(".") {
      isInteger = false
      try digits()
    }
    if take("e") || take("E") {
      isInteger = false
      if !take("+") { _ = take("-") }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw failure("the number \(text) is out of range")
    }
    return .number(value)
  }

  private mutating func digits() throws(JSONSyntaxError) {
    let start = position
    while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    guard position > start else { throw failure("a digit is expected") }
  }

  private mutating func literal(
    _ text: StaticString, _ value: JSONValue
  ) throws(JSONSyntaxError) -> JSONValue {
    let wanted = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    guard bytes[position...].starts(with: wanted) else { throw failure("a value is expected") }
    position += wanted.count
    return value
  }

  private mutating func string() throws(JSONSyntaxError) -> String {
    position += 1
    var characters: [UInt8] = []
    while let byte = peek {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: characters, as: UTF8.self) else {
          throw failure("the text is not valid UTF-8")
        }
        return text
      case UInt8(ascii: "\\"): characters += try escaped()
      case 0..<0x20: throw failure("a control character must be escaped")
      default: characters.append(byte)
      }
    }
    throw failure("the document ends inside a text")
  }

  private mutating func escaped() throws(JSONSyntaxError) -> [UInt8] {
    guard let byte = peek else { throw failure("the document ends inside a text") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"): return Array(String(try unicodeScalar()).utf8)
    default: throw failure("an unknown escape")
    }
  }

  private mutating func unicodeScalar() throws(JSONSyntaxError) -> Character {
    let first = try hexadecimal()
    var code = first
    if (0xD800..<0xDC00).contains(first) {
      guard take("\\"), take("u") else { throw failure("half of a surrogate pair") }
      let second = try hexadecimal()
      guard (0xDC00..<0xE000).contains(second) else { throw failure("half of a surrogate pair") }
      code = 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw failure("half of a surrogate pair") }
    return Character(scalar)
  }

  private mutating func hexadecimal() throws(JSONSyntaxError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("four hexadecimal digits are expected")
      }
      position += 1
      code = code << 4 | UInt32(digit)
    }
    return code
  }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { position += 1 }
  }

  private func failure(_ reason: String) -> JSONSyntaxError {
    JSONSyntaxError(position: position, reason: reason)
  }
}
