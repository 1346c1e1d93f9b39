/// Writes plain values as YAML that our reader reads back to the same values.
///
/// Maps in blocks, lists of scalars on one line where they fit, other lists in blocks.
package enum YAMLWriter {
  private static let lineLength = 100

  /// The whole text, with a line break at its end.
  ///
  /// `comments` are lines above fields of maps, by dotted path.
  package static func text(
    of value: PlainValue, comments: [String: String] = [:]
  ) -> String {
    switch value {
    case .map(let fields) where !fields.isEmpty: block(fields, indent: 0, comments: comments)
    case .list(let elements) where !elements.isEmpty: block(elements, indent: 0)
    default: flow(value) + "\n"
    }
  }

  private static func block(
    _ fields: [PlainValue.Field], indent: Int, path: String = "", comments: [String: String] = [:]
  ) -> String {
    fields.map { field in
      let path = DottedPath.joining(path, field.key)
      let above = (comments[path] ?? "").split(separator: "\n")
        .map { spaces(indent) + "# " + $0 + "\n" }.joined()
      let head = above + spaces(indent) + scalar(field.key) + ":"
      switch field.value {
      case .map(let fields) where !fields.isEmpty:
        return head + "\n" + block(fields, indent: indent + 2, path: path, comments: comments)
      case .list(let elements)
      where !isOneLine(elements, indent: indent + field.key.count + 1):
        return head + "\n" + block(elements, indent: indent + 2)
      default: return head + " " + flow(field.value) + "\n"
      }
    }.joined()
  }

  private static func block(_ elements: [PlainValue], indent: Int) -> String {
    elements.map { element in
      let inner: String
      switch element {
      case .map(let fields) where !fields.isEmpty: inner = block(fields, indent: indent + 2)
      case .list(let elements) where !isOneLine(elements, indent: indent + 2):
        inner = block(elements, indent: indent + 2)
      default: return spaces(indent) + "- " + flow(element) + "\n"
      }
      return spaces(indent) + "- " + inner.dropFirst(indent + 2)
    }.joined()
  }

  private static func isOneLine(_ elements: [PlainValue], indent: Int) -> Bool {
    let areScalars = elements.allSatisfy {
      switch $0 {
      case .list, .map: false
      default: true
      }
    }
    return areScalars && indent + flow(.list(elements)).count < lineLength
  }

  private static func flow(_ value: PlainValue) -> String {
    switch value {
    case .null: "null"
    case .boolean(let value): String(value)
    case .integer(let value): String(value)
    case .number(let value): number(value)
    case .text(let value), .path(let value): scalar(value)
    case .list(let elements): "[" + elements.map(flow).joined(separator: ", ") + "]"
    case .map(let fields):
      "{" + fields.map { scalar($0.key) + ": " + flow($0.value) }.joined(separator: ", ") + "}"
    }
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return ".nan" }
    guard value.isFinite else { return value < 0 ? "-.inf" : ".inf" }
    return "\(value)"
  }

  /// Plain where that is safe in block and flow, else in double quotes.
  private static func scalar(_ text: String) -> String {
    let escaped = text.replacing("${", with: "$${")
    let isText = if case .text = CoreScalar.value(of: escaped) { true } else { false }
    return isText && isPlain(escaped) && !isFormerBoolean(escaped)
      ? escaped : JSONText.quoted(escaped)
  }

  /// Words of safe characters with single spaces between them, the first led by a letter, `_` or `/`.
  private static func isPlain(_ text: String) -> Bool {
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    let areSafe = words.allSatisfy { word in
      !word.isEmpty && word.utf8.allSatisfy { isAlphanumeric($0) || "_/.+*-".utf8.contains($0) }
    }
    return areSafe
      && text.utf8.first.map {
        isAlphanumeric($0) && !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
          || "_/".utf8.contains($0)
      } == true
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  /// Words that other YAML readers take for booleans.
  private static func isFormerBoolean(_ text: String) -> Bool {
    ["yes", "no", "on", "off", "y", "n", "true", "false", "null"].contains(text.lowercased())
  }

  private static func spaces(_ count: Int) -> String { String(repeating: " ", count: count) }
}
