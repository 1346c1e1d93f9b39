/// Text made safe for the markup it stands in.
package enum Escape {
  /// Keeps a percent sign on the line of its number.
  package static func html(_ text: String) -> String {
    var result = ""
    let bound = text.split(separator: " %", omittingEmptySubsequences: false)
      .joined(separator: "\u{A0}%")
    for character in bound.unicodeScalars {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }

  /// Puts a backslash before what would be markup inside a line of Markdown; lines are joined.
  ///
  /// Underscores inside words and brackets that open no link stay as they are, so that names and
  /// intervals can be read in the file itself.
  package static func markdown(_ text: String) -> String {
    let characters = Array(text)
    var result = ""
    for (index, character) in characters.enumerated() {
      let before = index > 0 ? characters[index - 1] : " "
      let after = index + 1 < characters.count ? characters[index + 1] : " "
      let isMarkup =
        switch character {
        case "\\", "`", "*", "<", "|", "&", "~": true
        case "_": !(isWord(before) && isWord(after))
        case "]": "([:".contains(after)
        default: false
        }
      result += isMarkup ? "\\" : ""
      result.append(character.isNewline ? " " : character)
    }
    return result
  }

  /// The same for a text that begins a line, where more characters are markup.
  package static func markdownLine(_ text: String) -> String {
    let escaped = markdown(text)
    guard let first = escaped.first else { return escaped }
    if "#>-+=".contains(first) { return "\\" + escaped }
    let rest = escaped.drop { $0.isNumber }
    guard first.isNumber, rest.hasPrefix(". ") || rest.hasPrefix(") ") else { return escaped }
    return escaped.dropLast(rest.count) + "\\" + rest
  }

  private static func isWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber
  }

  /// A code span of a table cell: fenced by more backticks than it holds.
  package static func markdownCode(_ text: String) -> String {
    guard !text.isEmpty else { return "" }
    let flat = String(text.map { $0.isNewline ? " " : $0 })
      .split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    let fence = String(repeating: "`", count: longestRun(of: "`", in: flat) + 1)
    return fence.count > 1 ? "\(fence) \(flat) \(fence)" : "`\(flat)`"
  }

  static func longestRun(of character: Character, in text: String) -> Int {
    var (longest, current) = (0, 0)
    for other in text {
      current = other == character ? current + 1 : 0
      longest = max(longest, current)
    }
    return longest
  }
}
