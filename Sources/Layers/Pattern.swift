/// A pattern over dotted paths of the module tree (recipe-conventions 1.1).
///
/// In this order of reading: a group name that the backbone puts on its layers; `re:` and a regular
/// expression for the whole path; a path or a dotted suffix of one, in which `*` and `?` stand for
/// characters other than the dot. Any but a group may end in a row slice: `attn.qkv[q,v]`,
/// `attn.qkv[0:768]`.
package struct Pattern: Sendable, Hashable, CustomStringConvertible {
  /// A part of a fused matrix.
  package enum Rows: Sendable, Hashable {
    case named(String)
    case range(Range<Int>)
  }

  /// As the user wrote it.
  package let text: String
  /// Without the row slice.
  package let path: String
  /// Row slices, empty for the whole weight.
  package let rows: [Rows]

  package var description: String { text }

  /// Reads a pattern.
  /// - Throws: `PatternError` for a malformed slice or regular expression.
  package init(_ text: String) throws(PatternError) {
    self.text = text
    guard text.hasSuffix("]"), !text.hasPrefix("re:") || text.last == "]",
      let open = text.lastIndex(of: "["), !text.hasPrefix("re:")
    else {
      path = text
      rows = []
      try checkExpression()
      return
    }
    path = String(text[..<open])
    let inner = text[text.index(after: open)...].dropLast()
    var slices: [Rows] = []
    for part in inner.split(separator: ",", omittingEmptySubsequences: false) {
      let word = part.filter { $0 != " " }
      let bounds = word.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
      if bounds.count == 2, let low = bounds[0], let high = bounds[1], 0 <= low, low < high {
        slices.append(.range(low..<high))
      } else if !word.isEmpty, bounds.count == 1, bounds[0] == nil {
        slices.append(.named(word))
      } else {
        throw PatternError(pattern: text, reason: "'\(part)' is no row name and no range low:high")
      }
    }
    rows = slices
  }

  /// Whether the pattern takes the module of this path with these group labels.
  package func matches(path candidate: String, groups: [String] = []) -> Bool {
    if groups.contains(path) { return true }
    if path == "all-linear" { return groups.contains("all-linear") }
    if path.hasPrefix("re:") {
      guard let expression = try? Regex(String(path.dropFirst(3))) else { return false }
      return candidate.wholeMatch(of: expression) != nil
    }
    let words = path.split(separator: ".", omittingEmptySubsequences: false)
    let parts = candidate.split(separator: ".", omittingEmptySubsequences: false)
    guard words.count <= parts.count else { return false }
    return zip(words, parts.suffix(words.count)).allSatisfy { glob($0[...], $1[...]) }
  }

  /// Whether the pattern takes a parameter: by its own path or by that of a module above it.
  package func matches(parameter candidate: String, groups: [String] = []) -> Bool {
    if matches(path: candidate, groups: groups) { return true }
    var path = candidate[...]
    while let dot = path.lastIndex(of: ".") {
      path = path[..<dot]
      if matches(path: String(path)) { return true }
    }
    return false
  }

  private func checkExpression() throws(PatternError) {
    guard path.hasPrefix("re:") else { return }
    do {
      _ = try Regex(String(path.dropFirst(3)))
    } catch {
      throw PatternError(pattern: text, reason: "not a regular expression: \(error)")
    }
  }
}

/// A pattern that cannot be read.
package struct PatternError: Error, Equatable, CustomStringConvertible {
  package var pattern: String
  package var reason: String
  package var description: String { "pattern '\(pattern)': \(reason)" }
}

/// `*` any characters, `?` one, within one component of a path.
private func glob(_ pattern: Substring, _ text: Substring) -> Bool {
  guard let first = pattern.first else { return text.isEmpty }
  if first == "*" {
    return glob(pattern.dropFirst(), text)
      || (!text.isEmpty && glob(pattern, text.dropFirst()))
  }
  guard let head = text.first, first == "?" || first == head else { return false }
  return glob(pattern.dropFirst(), text.dropFirst())
}
