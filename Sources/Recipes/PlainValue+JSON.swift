extension PlainValue {
  /// One line of JSON with keys in their order; numbers in the shortest form that reads back as the
  /// same number, and as text where they are not finite.
  package var json: String {
    switch self {
    case .null: "null"
    case .boolean(let value): String(value)
    case .integer(let value): String(value)
    case .number(let value): value.isFinite ? NumberText.short(value) : "\"\(value)\""
    case .text(let value), .path(let value): JSONText.quoted(value)
    case .list(let elements): "[" + elements.map(\.json).joined(separator: ",") + "]"
    case .map(let fields):
      "{"
        + fields.map { "\(JSONText.quoted($0.key)):\($0.value.json)" }.joined(separator: ",")
        + "}"
    }
  }
}

/// Texts in double quotes with the escapes that JSON and YAML share.
enum JSONText {
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case _
      where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
        || [0x2028, 0x2029, 0xFEFF].contains(scalar.value):
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}

/// Numbers as texts.
enum NumberText {
  /// Shortest form that reads back as the same number; whole numbers without a point.
  static func short(_ number: Double) -> String {
    let isNegativeZero = number == 0 && number.sign == .minus
    return isNegativeZero ? "-0.0" : Int(exactly: number).map(String.init) ?? "\(number)"
  }
}
