import Recipes

/// What a peer's key means for a recipe: one row of a format's table.
struct ImportRule: Sendable {
  /// Dotted path of the key as the peer nests it; `*` stands for any one part.
  let path: String
  let parts: [Substring]
  let apply: @Sendable (inout Translation, Located) -> ImportOutcome

  init(
    _ path: String, _ apply: @escaping @Sendable (inout Translation, Located) -> ImportOutcome
  ) {
    self.path = path
    parts = path.split(separator: ".")
    self.apply = apply
  }

  func matches(_ keys: [String]) -> Bool {
    keys.count == parts.count && zip(parts, keys).allSatisfy { $0 == "*" || $0 == $1 }
  }
}

/// What became of a key.
enum ImportOutcome: Sendable {
  /// Its meaning stands in the recipe; the note says what to know of it.
  case mapped(String? = nil)
  /// It needs no field: it changes no result, or says what a recipe means anyway.
  case defaulted(String)
  /// It has no counterpart.
  case unmappable(String, changesResult: Bool = true)
  /// The keys below it are looked at one by one.
  case open
}

// MARK: Rows

extension ImportRule {
  /// One table of several groups of rows.
  static func table(_ groups: [ImportRule]...) -> [ImportRule] { groups.flatMap(\.self) }

  /// The value as it is, into a field.
  static func to(_ path: String, _ field: String, note: String? = nil) -> ImportRule {
    ImportRule(path) { translation, value in
      translation.set(field, value.plain)
      return .mapped(note)
    }
  }

  /// The value into a field where it is a whole number, refused otherwise.
  static func integer(_ path: String, _ field: String, note: String? = nil) -> ImportRule {
    ImportRule(path) { translation, value in
      guard let number = value.number, let whole = Int(exactly: number) else {
        return .unmappable("\(value.shortText) is no whole number")
      }
      translation.set(field, .integer(whole))
      return .mapped(note)
    }
  }

  /// The value as a number into a field.
  static func number(_ path: String, _ field: String, note: String? = nil) -> ImportRule {
    ImportRule(path) { translation, value in
      guard let number = value.number else {
        return .unmappable("\(value.shortText) is no number")
      }
      translation.set(field, .number(number))
      return .mapped(note)
    }
  }

  /// Keys that change no result here, all for one reason.
  static func ignored(_ paths: [String], _ reason: String) -> [ImportRule] {
    paths.map { ImportRule($0) { _, _ in .defaulted(reason) } }
  }

  /// Keys without a counterpart, all for one reason.
  static func foreign(
    _ paths: [String], _ reason: String, changesResult: Bool = true
  ) -> [ImportRule] {
    paths.map { path in
      ImportRule(path) { _, _ in .unmappable(reason, changesResult: changesResult) }
    }
  }

  /// A switch that means nothing while it has one of the values given, and cannot be had otherwise.
  static func only(
    _ path: String, _ values: [PlainValue], _ reason: String, otherwise: String,
    changesResult: Bool = true
  ) -> ImportRule {
    ImportRule(path) { _, value in
      values.contains(value.plain)
        ? .defaulted(reason) : .unmappable(otherwise, changesResult: changesResult)
    }
  }
}

extension [ImportRule] {
  /// The same rows for keys that lie below `path`.
  func below(_ path: String) -> [ImportRule] {
    map { ImportRule("\(path).\($0.path)", $0.apply) }
  }

  /// Rows of other keys than these.
  func without(_ paths: Set<String>) -> [ImportRule] { filter { !paths.contains($0.path) } }
}

extension Located {
  /// The text of a scalar; nil for lists, maps and nothing.
  var scalarText: String? {
    switch value {
    case .text(let text), .path(let text): text
    case .integer(let number): String(number)
    case .number(let number): "\(number)"
    case .boolean(let flag): String(flag)
    case .null, .list, .map: nil
    }
  }

  /// A number, also one that was written in quotes.
  var number: Double? {
    switch value {
    case .integer(let number): Double(number)
    case .number(let number): number
    case .text(let text): Double(text)
    default: nil
    }
  }

  var flag: Bool? { if case .boolean(let flag) = value { flag } else { nil } }

  /// The texts of a list of scalars, or of one scalar.
  var texts: [String] { scalarText.map { [$0] } ?? elements.compactMap(\.scalarText) }

  /// The value on one line, cut where it is long.
  var shortText: String {
    let text = scalarText ?? plain.json
    return text.count > 60 ? text.prefix(57) + "..." : text
  }

  /// The value under nested keys; numbers stand for places in lists.
  func at(_ path: String) -> Located? {
    path.split(separator: ".").reduce(self as Located?) { node, key in
      guard let node else { return nil }
      if let index = Int(key), case .list(let elements) = node.value {
        return elements.indices.contains(index) ? elements[index] : nil
      }
      return node[String(key)]
    }
  }
}
