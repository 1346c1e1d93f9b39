/// Replaces `${a.b}`, `${env:NAME}` and `${env:NAME,default}` in the texts of a recipe.
///
/// A text that is one reference becomes the value it leads to, whatever its type; inside a longer text
/// references must lead to single values. `$${` stands for the text `${`.
struct Interpolation {
  static let lengthLimit = 65_536

  let root: Located
  let environment: [String: String]
  let diagnostics: Diagnostics
  private var values = 0
  /// Paths being worked out, to find circles.
  private var trail: [String] = []

  init(root: Located, environment: [String: String], diagnostics: Diagnostics) {
    self.root = root
    self.environment = environment
    self.diagnostics = diagnostics
  }

  mutating func resolved() -> Located { resolved(root) }

  private mutating func resolved(_ value: Located) -> Located {
    values += 1
    if values > YAMLReader.valueLimit {
      if values == YAMLReader.valueLimit + 1 {
        diagnostics.error(.tooManyValues(limit: YAMLReader.valueLimit), at: value)
      }
      return value
    }
    switch value.value {
    case .list(let elements):
      return value.replacing(.list(elements.map { resolved($0) }))
    case .map(let entries):
      return value.replacing(
        .map(
          entries.map {
            Located.Entry(
              key: $0.key, keyLocation: $0.keyLocation, value: resolved($0.value))
          }))
    case .text(let text) where text.contains("${"): return interpolated(text, in: value)
    case .null, .boolean, .integer, .number, .text, .path: return value
    }
  }

  private mutating func interpolated(_ text: String, in value: Located) -> Located {
    guard let pieces = Self.pieces(of: text) else {
      diagnostics.error(.malformedReference(text), at: value)
      return value
    }
    if pieces.count == 1, case .reference(let reference) = pieces[0] {
      guard let target = target(of: reference, for: value) else { return value }
      var place = value.location
      place.directory = target.location.directory
      return target.relocated(to: place).moved(to: value.path)
    }
    var result = ""
    for piece in pieces {
      switch piece {
      case .text(let text): result += text
      case .reference(let reference):
        guard let target = target(of: reference, for: value) else { return value }
        guard let text = target.scalarText else {
          diagnostics.error(
            .wrongType(
              expected: "one value for ${\(reference)} inside a text", found: target.found,
              hint: nil), at: value)
          return value
        }
        result += text
      }
    }
    guard result.utf8.count <= Self.lengthLimit else {
      diagnostics.error(
        .rule("the text grows beyond \(Self.lengthLimit) bytes", mend: "use fewer references"),
        at: value)
      return value
    }
    return value.replacing(.text(result))
  }

  /// The value that a reference leads to, or nil with the error recorded.
  private mutating func target(of reference: String, for value: Located) -> Located? {
    if reference.hasPrefix("env:") { return environmentValue(reference, for: value) }
    guard let written = DottedPath.keys(of: reference) else {
      diagnostics.error(.malformedReference("${\(reference)}"), at: value)
      return nil
    }
    guard let (_, target) = root.entry(at: RecipeTable.canonicalized(written)) else {
      diagnostics.error(.unknownReference(reference), at: value)
      return nil
    }
    guard !trail.contains(target.path) else {
      diagnostics.error(.referenceCycle(trail + [target.path]), at: value)
      return nil
    }
    let errors = diagnostics.errors.count
    trail.append(target.path)
    let resolved = resolved(target)
    trail.removeLast()
    return diagnostics.errors.count == errors ? resolved : nil
  }

  private func environmentValue(_ reference: String, for value: Located) -> Located? {
    let parts = reference.dropFirst("env:".count)
      .split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
    let name = parts[0].trimmed
    guard !name.isEmpty else {
      diagnostics.error(.malformedReference("${\(reference)}"), at: value)
      return nil
    }
    guard let text = environment[name] ?? (parts.count > 1 ? parts[1].trimmed : nil) else {
      diagnostics.error(.environmentUnset(name), at: value)
      return nil
    }
    return Located(plain: CoreScalar.value(of: text), at: value.location, path: value.path)
  }

  // MARK: Texts

  private enum Piece {
    case text(String)
    case reference(String)
  }

  /// Nil where a reference is not closed.
  private static func pieces(of text: String) -> [Piece]? {
    var pieces: [Piece] = []
    var literal = ""
    var rest = text[...]
    while let character = rest.first {
      if rest.hasPrefix("$${") {
        literal += "${"
        rest = rest.dropFirst(3)
      } else if rest.hasPrefix("${") {
        guard let end = rest.firstIndex(of: "}") else { return nil }
        if !literal.isEmpty { pieces.append(.text(literal)) }
        literal = ""
        pieces.append(.reference(rest[..<end].dropFirst(2).trimmed))
        rest = rest[rest.index(after: end)...]
      } else {
        literal.append(character)
        rest = rest.dropFirst()
      }
    }
    return literal.isEmpty ? pieces : pieces + [.text(literal)]
  }
}

extension Substring {
  fileprivate var trimmed: String {
    var trimmed = self
    while trimmed.first?.isWhitespace == true { trimmed = trimmed.dropFirst() }
    while trimmed.last?.isWhitespace == true { trimmed = trimmed.dropLast() }
    return String(trimmed)
  }
}

extension Located {
  /// The same value with all parts at one place.
  fileprivate func relocated(to place: SourceLocation) -> Located {
    Located(plain: plain, at: place, path: path)
  }

  /// A scalar as it is written inside a longer text; nil for lists, maps and nothing.
  fileprivate var scalarText: String? {
    switch value {
    case .boolean(let value): String(value)
    case .integer(let value): String(value)
    case .number(let value): "\(value)"
    case .text(let value), .path(let value): value
    case .null, .list, .map: nil
    }
  }
}
