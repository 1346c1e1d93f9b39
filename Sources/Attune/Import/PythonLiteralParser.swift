import Recipes

/// Reads assignments of literals from words of Python.
struct PythonLiteralParser {
  private let tokens: [PythonToken]
  private let source: String
  private var place = 0
  private var known: [String: Located] = [:]
  private(set) var referenced: Set<String> = []

  init(_ tokens: [PythonToken], source: String) {
    self.tokens = tokens
    self.source = source
  }

  /// All assignments as one map.
  mutating func assignments() throws(PythonLiterals.Failure) -> Located {
    var entries: [Located.Entry] = []
    let start = location
    while place < tokens.count {
      if take(.newline) || takeComment() { continue }
      guard case .name(let name) = tokens[place].kind else { throw failure("an assignment") }
      let keyLocation = location
      place += 1
      guard take(.symbol("=")) else {
        throw PythonLiterals.Failure(
          line: tokens[place - 1].line,
          reason: "'\(name)' begins no assignment: only name = literal is read, nothing is executed"
        )
      }
      let value = try expression()
      guard take(.newline) else { throw failure("the end of the line") }
      known[name] = value
      entries.removeAll { $0.key == name }
      entries.append(.init(key: name, keyLocation: keyLocation, value: value))
    }
    return Located(.map(entries), at: start).moved(to: "")
  }

  // MARK: Values

  private mutating func expression() throws(PythonLiterals.Failure) -> Located {
    var value = try product()
    while let symbol = takeSymbol(of: ["+", "-"]) {
      let other = try product()
      value = try combined(value, symbol, other)
    }
    return value
  }

  private mutating func product() throws(PythonLiterals.Failure) -> Located {
    var value = try operand()
    while let symbol = takeSymbol(of: ["*", "/"]) {
      let other = try operand()
      value = try combined(value, symbol, other)
    }
    return value
  }

  private func combined(
    _ a: Located, _ symbol: String, _ b: Located
  ) throws(PythonLiterals.Failure) -> Located {
    if symbol == "+", case .list(let first) = a.value, case .list(let second) = b.value {
      return Located(.list(first + second), at: a.location)
    }
    if case .integer(let first) = a.value, case .integer(let second) = b.value, symbol != "/" {
      let result = symbol == "+" ? first + second : symbol == "-" ? first - second : first * second
      return Located(.integer(result), at: a.location)
    }
    guard let first = a.number, let second = b.number else {
      throw PythonLiterals.Failure(
        line: a.location.line ?? 1, reason: "\(symbol) stands between values that are no numbers")
    }
    let result =
      switch symbol {
      case "+": first + second
      case "-": first - second
      case "*": first * second
      default: first / second
      }
    return Located(.number(result), at: a.location)
  }

  private mutating func operand() throws(PythonLiterals.Failure) -> Located {
    let here = location
    guard place < tokens.count else { throw failure("a value") }
    let token = tokens[place]
    place += 1
    var value: Located
    switch token.kind {
    case .integer(let number): value = Located(.integer(number), at: here)
    case .number(let number): value = Located(.number(number), at: here)
    case .text(let text):
      var joined = text
      while place < tokens.count, case .text(let more) = tokens[place].kind {
        joined += more
        place += 1
      }
      value = Located(.text(joined), at: here)
    case .symbol("-"):
      let positive = try operand()
      return try combined(Located(.integer(0), at: here), "-", positive)
    case .symbol("["): value = Located(.list(try elements(until: "]")), at: here)
    case .symbol("("): value = try parenthesized(here)
    case .symbol("{"): value = try braces(here)
    case .name(let name): value = try named(name, here)
    default:
      place -= 1
      throw failure("a value")
    }
    while take(.symbol("[")) {
      let key = try expression()
      guard take(.symbol("]")) else { throw failure("]") }
      guard let part = key.scalarText.flatMap({ value.at($0) }) else {
        throw PythonLiterals.Failure(
          line: here.line ?? 1, reason: "no value under \(key.shortText)")
      }
      value = part
    }
    return value
  }

  private mutating func named(
    _ name: String, _ here: SourceLocation
  ) throws(PythonLiterals.Failure) -> Located {
    switch name {
    case "True": return Located(.boolean(true), at: here)
    case "False": return Located(.boolean(false), at: here)
    case "None": return Located(.null, at: here)
    case "dict" where take(.symbol("(")): return Located(.map(try arguments()), at: here)
    case "list" where take(.symbol("(")), "tuple" where take(.symbol("(")):
      let list = try expression()
      guard take(.symbol(")")) else { throw failure(")") }
      return list
    default: break
    }
    guard let value = known[name] else {
      throw PythonLiterals.Failure(
        line: here.line ?? 1,
        reason: "'\(name)' was not assigned before: only literals are read, nothing is executed")
    }
    referenced.insert(name)
    return value
  }

  private mutating func parenthesized(
    _ here: SourceLocation
  ) throws(PythonLiterals.Failure) -> Located {
    if take(.symbol(")")) { return Located(.list([]), at: here) }
    let first = try expression()
    if take(.symbol(")")) { return first }
    guard take(.symbol(",")) else { throw failure(", or )") }
    return Located(.list([first] + (try elements(until: ")"))), at: here)
  }

  private mutating func elements(until end: String) throws(PythonLiterals.Failure) -> [Located] {
    var elements: [Located] = []
    while !take(.symbol(end)) {
      elements.append(try expression())
      if take(.symbol(",")) { continue }
      guard take(.symbol(end)) else { throw failure(", or \(end)") }
      break
    }
    return elements
  }

  private mutating func braces(_ here: SourceLocation) throws(PythonLiterals.Failure) -> Located {
    var entries: [Located.Entry] = []
    var elements: [Located] = []
    while !take(.symbol("}")) {
      if take(.symbol("**")) {
        entries = try expression().entries.reduce(entries, Self.adding)
      } else {
        let key = try expression()
        if take(.symbol(":")) {
          let entry = Located.Entry(
            key: key.scalarText ?? key.plain.json, keyLocation: key.location,
            value: try expression())
          entries = Self.adding(entries, entry)
        } else {
          elements.append(key)
        }
      }
      if take(.symbol(",")) { continue }
      guard take(.symbol("}")) else { throw failure(", or }") }
      break
    }
    return Located(elements.isEmpty ? .map(entries) : .list(elements), at: here)
  }

  private mutating func arguments() throws(PythonLiterals.Failure) -> [Located.Entry] {
    var entries: [Located.Entry] = []
    while !take(.symbol(")")) {
      if take(.symbol("**")) {
        entries = try expression().entries.reduce(entries, Self.adding)
      } else {
        let keyLocation = location
        guard place < tokens.count, case .name(let key) = tokens[place].kind else {
          throw failure("a keyword")
        }
        place += 1
        guard take(.symbol("=")) else { throw failure("= after \(key)") }
        entries = Self.adding(
          entries, .init(key: key, keyLocation: keyLocation, value: try expression()))
      }
      if take(.symbol(",")) { continue }
      guard take(.symbol(")")) else { throw failure(", or )") }
      break
    }
    return entries
  }

  private static func adding(
    _ entries: [Located.Entry], _ entry: Located.Entry
  ) -> [Located.Entry] {
    entries.filter { $0.key != entry.key } + [entry]
  }

  // MARK: Words

  private var location: SourceLocation {
    SourceLocation(
      source: source, line: tokens.indices.contains(place) ? tokens[place].line : 1, column: 1)
  }

  private mutating func take(_ kind: PythonToken.Kind) -> Bool {
    guard place < tokens.count, tokens[place].kind == kind else { return false }
    place += 1
    return true
  }

  /// A text that stands alone, as the first of a file.
  private mutating func takeComment() -> Bool {
    guard case .text = tokens[place].kind, tokens.indices.contains(place + 1),
      tokens[place + 1].kind == .newline
    else { return false }
    place += 1
    return true
  }

  private mutating func takeSymbol(of symbols: [String]) -> String? {
    guard place < tokens.count, case .symbol(let symbol) = tokens[place].kind,
      symbols.contains(symbol)
    else { return nil }
    place += 1
    return symbol
  }

  private func failure(_ expected: String) -> PythonLiterals.Failure {
    let token = tokens.indices.contains(place) ? tokens[place] : tokens.last
    return PythonLiterals.Failure(
      line: token?.line ?? 1,
      reason: "\(expected) is expected: only literals are read, nothing is executed")
  }
}
