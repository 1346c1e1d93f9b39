import Recipes

/// The assignments of a Python configuration, read as literals: nothing is executed.
///
/// Understood are `name = value` at the top level with numbers, texts (neighbors join), `True`, `False`,
/// `None`, lists, tuples, sets, `{…}`, `dict(…)`, `list(…)`, `tuple(…)`, names assigned before (also
/// `name['key']` and `**name`), and `+ - * /` of numbers. Anything else (imports, functions, loops) is
/// refused with its line.
struct PythonLiterals {
  /// The assignments as one map, in their order; later ones win.
  let root: Located
  /// Names that other assignments use.
  let referenced: Set<String>

  /// Why the text cannot be read.
  struct Failure: Error {
    let line: Int
    let reason: String
  }

  /// - Throws: `Failure` for what is no literal.
  init(_ text: String, source: String) throws(Failure) {
    var parser = PythonLiteralParser(try PythonTokens.tokens(of: text), source: source)
    root = try parser.assignments()
    referenced = parser.referenced
  }
}

/// One word of Python with its line.
struct PythonToken: Equatable {
  enum Kind: Equatable {
    case name(String), number(Double), integer(Int), text(String), symbol(String), newline
  }

  let kind: Kind
  let line: Int
}

/// Splits Python into words; line breaks within brackets are left out, comments everywhere.
struct PythonTokens {
  private let characters: [Character]
  private var place = 0
  private var line = 1
  /// Brackets that are open.
  private var depth = 0
  private var tokens: [PythonToken] = []

  static func tokens(of text: String) throws(PythonLiterals.Failure) -> [PythonToken] {
    var reader = PythonTokens(text)
    while reader.place < reader.characters.count { try reader.step() }
    return reader.tokens + [PythonToken(kind: .newline, line: reader.line)]
  }

  private init(_ text: String) { characters = Array(text) }

  /// Reads one word, or passes over what is none.
  private mutating func step() throws(PythonLiterals.Failure) {
    let character = characters[place]
    if character.isNewline {
      if depth == 0 { tokens.append(PythonToken(kind: .newline, line: line)) }
      (place, line) = (place + 1, line + 1)
    } else if character == "#" {
      skip { !$0.isNewline }
    } else if character == "\\", next?.isNewline == true {
      (place, line) = (place + 2, line + 1)
    } else if character.isWhitespace {
      place += 1
    } else if character == "'" || character == "\"" {
      let start = line
      tokens.append(PythonToken(kind: .text(try string()), line: start))
    } else if character.isNumber || character == "." && next?.isNumber == true {
      tokens.append(PythonToken(kind: try number(), line: line))
    } else if character.isLetter || character == "_" {
      let start = place
      skip { $0.isLetter || $0.isNumber || $0 == "_" }
      tokens.append(PythonToken(kind: .name(String(characters[start..<place])), line: line))
    } else {
      if "([{".contains(character) { depth += 1 }
      if ")]}".contains(character) { depth -= 1 }
      let isDouble = character == "*" && next == "*"
      tokens.append(PythonToken(kind: .symbol(isDouble ? "**" : String(character)), line: line))
      place += isDouble ? 2 : 1
    }
  }

  /// The character after the present one.
  private var next: Character? { place + 1 < characters.count ? characters[place + 1] : nil }

  private mutating func skip(while isPassed: (Character) -> Bool) {
    while place < characters.count, isPassed(characters[place]) { place += 1 }
  }

  private mutating func number() throws(PythonLiterals.Failure) -> PythonToken.Kind {
    var text = ""
    while place < characters.count {
      let character = characters[place]
      let isSign = "+-".contains(character) && "eE".contains(text.last ?? " ")
      guard character.isNumber || character.isLetter || "._".contains(character) || isSign else {
        break
      }
      if character != "_" { text.append(character) }
      place += 1
    }
    if let whole = Int(text) { return .integer(whole) }
    guard let value = Double(text.hasSuffix(".") ? text + "0" : text) else {
      throw PythonLiterals.Failure(line: line, reason: "\(text) is no number")
    }
    return .number(value)
  }

  private mutating func string() throws(PythonLiterals.Failure) -> String {
    let (quote, start) = (characters[place], line)
    let isTriple = characters[place...].prefix(3).elementsEqual([quote, quote, quote])
    let end = String(repeating: quote, count: isTriple ? 3 : 1)
    place += end.count
    var text = ""
    while place < characters.count {
      if characters[place...].prefix(end.count).elementsEqual(end) {
        place += end.count
        return text
      }
      if characters[place].isNewline {
        guard isTriple else { break }
        line += 1
      }
      text.append(escaped() ?? characters[place])
      place += 1
    }
    throw PythonLiterals.Failure(line: start, reason: "a text has no end")
  }

  /// The character that an escape stands for; nil where there is none.
  private mutating func escaped() -> Character? {
    guard characters[place] == "\\", let next else { return nil }
    place += 1
    let known: [Character: Character] = ["n": "\n", "t": "\t"]
    return known[next] ?? next
  }
}
