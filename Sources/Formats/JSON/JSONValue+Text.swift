extension JSONValue {
  /// On one line without spaces, in the order of the keys, other scripts as they are.
  package var compactText: String {
    var text = ""
    write(to: &text, style: .compact, indentation: 0)
    return text
  }

  /// As Python writes it with `indent=2` and sorted keys: two spaces, other scripts escaped.
  package var sortedText: String {
    var text = ""
    write(to: &text, style: .sorted, indentation: 0)
    return text
  }

  private enum Style { case compact, sorted }

  private func write(to text: inout String, style: Style, indentation: Int) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .integer(let value): text += String(value)
    case .number(let value):
      precondition(value.isFinite, "JSON has no \(value)")
      text += value.description
    case .string(let value): Self.write(value, to: &text, style: style)
    case .array(let elements):
      Self.writeList(elements, between: ("[", "]"), to: &text, style, indentation) {
        $0.write(to: &$1, style: style, indentation: indentation + 1)
      }
    case .object(let object):
      let entries = style == .compact ? object.entries : Self.sorted(object)
      Self.writeList(entries, between: ("{", "}"), to: &text, style, indentation) {
        Self.write($0.key, to: &$1, style: style)
        $1 += style == .compact ? ":" : ": "
        $0.value.write(to: &$1, style: style, indentation: indentation + 1)
      }
    }
  }

  /// By code points, as Python sorts.
  private static func sorted(_ object: JSONObject) -> [(key: String, value: JSONValue)] {
    object.entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
  }

  private static func writeList<Element>(
    _ elements: [Element], between marks: (String, String), to text: inout String, _ style: Style,
    _ indentation: Int, _ write: (Element, inout String) -> Void
  ) {
    text += marks.0
    for (position, element) in elements.enumerated() {
      if position > 0 { text += "," }
      if style == .sorted { breakLine(&text, indentation + 1) }
      write(element, &text)
    }
    if style == .sorted, !elements.isEmpty { breakLine(&text, indentation) }
    text += marks.1
  }

  private static func breakLine(_ text: inout String, _ indentation: Int) {
    text += "\n" + String(repeating: "  ", count: indentation)
  }

  private static func write(_ string: String, to text: inout String, style: Style) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{8}": text += "\\b"
      case "\u{C}": text += "\\f"
      default:
        if scalar.value < 0x20 || style == .sorted && scalar.value > 0x7E {
          for unit in String(scalar).utf16 { text += "\\u" + hexadecimal(unit) }
        } else {
          text.unicodeScalars.append(scalar)
        }
      }
    }
    text += "\""
  }

  private static func hexadecimal(_ unit: UInt16) -> String {
    let digits = String(unit, radix: 16)
    return String(repeating: "0", count: 4 - digits.count) + digits
  }
}
