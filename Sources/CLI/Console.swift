import Foundation

/// Results go to standard output, everything else to standard error.
enum Console {
  /// Prints a result.
  static func print(_ text: String) {
    FileHandle.standardOutput.write(Data((text + "\n").utf8))
  }

  /// Prints a message.
  static func error(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }

  /// Prints a value as JSON with sorted keys.
  static func print(json value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    FileHandle.standardOutput.write(try encoder.encode(value))
    FileHandle.standardOutput.write(Data("\n".utf8))
  }
}

/// A number with two significant digits.
func shortFigure(_ value: Double) -> String { String(format: "%.1e", value) }

/// A name and its text beside it, broken at 80 columns.
///
/// A name that is wider than `indent` stands on a line of its own.
func columns(_ name: String, _ text: String, indent: Int) -> String {
  let margin = String(repeating: " ", count: indent)
  var lines: [String] = []
  var line = name.count < indent ? name.padding(toLength: indent, withPad: " ", startingAt: 0) : ""
  if line.isEmpty {
    lines.append(name)
    line = margin
  }
  var isEmpty = true
  for word in text.split(separator: " ") {
    if !isEmpty, line.count + 1 + word.count > 80 {
      lines.append(line)
      (line, isEmpty) = (margin, true)
    }
    line += (isEmpty ? "" : " ") + word
    isEmpty = false
  }
  return (lines + (isEmpty && name.count >= indent ? [] : [line])).joined(separator: "\n")
}
