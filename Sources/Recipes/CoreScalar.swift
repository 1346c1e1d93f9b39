/// What a plain YAML scalar means: the core schema of YAML 1.2, but only `true` and `false` are
/// booleans, so that `yes`, `on` and `True` are texts.
enum CoreScalar {
  static func value(of text: String) -> PlainValue {
    switch text {
    case "", "~", "null": return .null
    case "true": return .boolean(true)
    case "false": return .boolean(false)
    case ".inf", "+.inf": return .number(.infinity)
    case "-.inf": return .number(-.infinity)
    case ".nan": return .number(.nan)
    default: break
    }
    if let integer = integer(text) { return .integer(integer) }
    return isNumber(text) ? Double(text).map(PlainValue.number) ?? .text(text) : .text(text)
  }

  /// `[-+]?[0-9]+` or `0x[0-9a-fA-F]+`, within the range of `Int`.
  private static func integer(_ text: String) -> Int? {
    if text.hasPrefix("0x") {
      let digits = text.dropFirst(2)
      return digits.utf8.allSatisfy(isHexadecimal) ? Int(digits, radix: 16) : nil
    }
    let digits = withoutSign(text)
    return !digits.isEmpty && digits.utf8.allSatisfy(isDigit) ? Int(text) : nil
  }

  /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
  private static func isNumber(_ text: String) -> Bool {
    let parts = withoutSign(text).split(
      maxSplits: 1, omittingEmptySubsequences: false, whereSeparator: { $0 == "e" || $0 == "E" })
    if parts.count == 2 {
      let exponent = withoutSign(parts[1])
      guard !exponent.isEmpty, exponent.utf8.allSatisfy(isDigit) else { return false }
    }
    let mantissa = parts[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    return mantissa.contains { !$0.isEmpty }
      && mantissa.allSatisfy { $0.utf8.allSatisfy(isDigit) }
  }

  private static func withoutSign(_ text: some StringProtocol) -> Substring {
    let hasSign = text.hasPrefix("-") || text.hasPrefix("+")
    return Substring(text.dropFirst(hasSign ? 1 : 0))
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
  }
}
