/// Decodes one map of a recipe by an option table.
///
/// Making a reader checks everything and records each error; the getters then give the value, the
/// default, or after an error a harmless placeholder (0, false, empty). Asking for a field that the
/// table lacks is a programming error.
package struct OptionReader: Sendable {
  /// What happens to keys outside the table.
  package enum Rest: Sendable {
    case refused
    /// Left to another table, whose owner the text names.
    case deferred(owner: String)
  }

  package let path: String
  package let location: SourceLocation
  package let table: OptionTable
  /// Keys outside the table, where they are deferred.
  package let rest: Deferred
  private let values: [String: Located]
  private let given: Set<String>
  private let components: [String: Component]
  private let tables: [String: OptionReader]

  /// Reads a map.
  ///
  /// - Parameters:
  ///   - value: The map; anything else is an error.
  ///   - table: Fields with their defaults.
  ///   - diagnostics: Takes errors, notes and resolved values.
  ///   - rest: Whether keys outside the table are errors.
  package init(
    _ value: Located, _ table: OptionTable, _ diagnostics: Diagnostics, rest: Rest = .refused
  ) {
    value.refuseUnlessMap(diagnostics)
    var decoding = OptionDecoding(
      path: value.path, location: value.location, table: table, diagnostics: diagnostics)
    let unknown = decoding.decode(value.entries)
    var deferred: [Located.Entry] = []
    var owner = ""
    switch rest {
    case .refused: decoding.refuse(unknown, neighbors: [])
    case .deferred(let reader): (deferred, owner) = (unknown, reader)
    }
    self.init(
      decoding,
      rest: Deferred(
        path: value.path, location: value.location, owner: owner, fields: deferred,
        forwarded: decoding.forwarded, neighbors: table.names))
    if !self.rest.isEmpty { diagnostics.resolution.offer(self.rest.parts, at: path) }
  }

  /// Reads the fields that another table left, with that table's forwarded fields.
  package init(_ deferred: Deferred, _ table: OptionTable, _ diagnostics: Diagnostics) {
    var decoding = OptionDecoding(
      path: deferred.path, location: deferred.location, table: table, diagnostics: diagnostics)
    let unknown = decoding.decode(deferred.fields + deferred.forwarded)
    let forwarded = Set(deferred.forwarded.map(\.key))
    decoding.refuse(
      unknown.filter { !forwarded.contains($0.key) }, neighbors: deferred.neighbors)
    for entry in unknown where forwarded.contains(entry.key) {
      diagnostics.error(
        .notTaken(owner: deferred.owner), at: entry.keyLocation, path: entry.value.path)
    }
    diagnostics.resolution.take(deferred.path)
    self.init(
      decoding,
      rest: Deferred(
        path: deferred.path, location: deferred.location, owner: deferred.owner, fields: [],
        forwarded: [], neighbors: []))
  }

  /// Reads a component's own options.
  package init(_ component: Component, _ table: OptionTable, _ diagnostics: Diagnostics) {
    self.init(component.options, table, diagnostics)
  }

  private init(_ decoding: OptionDecoding, rest: Deferred) {
    path = decoding.path
    location = decoding.location
    table = decoding.table
    values = decoding.values
    given = decoding.given
    components = decoding.checker.components
    tables = decoding.checker.tables
    self.rest = rest
    decoding.settle()
  }

  /// Whether the recipe itself gives the field.
  package func isGiven(_ name: String) -> Bool { given.contains(name) }

  /// The checked value with its place; nil where it is absent or was wrong.
  package func value(_ name: String) -> Located? {
    precondition(table[name] != nil, "\(path): the option table has no field \(name)")
    return values[name]
  }

  /// A whole number, or nil where the field is absent.
  package func optionalInt(_ name: String) -> Int? {
    guard case .integer(let value) = value(name)?.value else { return nil }
    return value
  }
  /// A whole number that is required or has a default.
  package func int(_ name: String) -> Int { optionalInt(name) ?? 0 }

  /// A number, or nil where the field is absent.
  package func optionalNumber(_ name: String) -> Double? { value(name)?.asNumber }
  /// A number that is required or has a default.
  package func number(_ name: String) -> Double { optionalNumber(name) ?? 0 }

  /// A switch, or nil where the field is absent.
  package func optionalBool(_ name: String) -> Bool? {
    guard case .boolean(let value) = value(name)?.value else { return nil }
    return value
  }
  /// A switch that is required or has a default.
  package func bool(_ name: String) -> Bool { optionalBool(name) ?? false }

  /// Texts, names, patterns and choices; a choice written `true` or `false` as its text.
  package func optionalText(_ name: String) -> String? { value(name)?.asText }
  /// A text that is required or has a default.
  package func text(_ name: String) -> String { optionalText(name) ?? "" }

  /// An absolute path.
  package func optionalPath(_ name: String) -> String? {
    guard case .path(let value) = value(name)?.value else { return nil }
    return value
  }
  /// An absolute path that is required or has a default.
  package func path(_ name: String) -> String { optionalPath(name) ?? "" }

  /// A choice as the case of its enumeration; the first case after an error.
  package func choice<Choice>(_ name: String, as type: Choice.Type) -> Choice
  where Choice: CaseIterable & RawRepresentable, Choice.RawValue == String {
    if let choice = optionalChoice(name, as: type) { return choice }
    guard let first = type.allCases.first else {
      preconditionFailure("\(path): the choice \(name) has no cases")
    }
    return first
  }

  /// A choice as the case of its enumeration, or nil where the field is absent.
  package func optionalChoice<Choice>(_ name: String, as type: Choice.Type) -> Choice?
  where Choice: CaseIterable & RawRepresentable, Choice.RawValue == String {
    optionalText(name).flatMap(Choice.init(rawValue:))
  }

  /// Steps or epochs, or nil where the field is absent.
  package func optionalInterval(_ name: String) -> Interval? {
    switch value(name)?.value {
    case .integer(let steps): .steps(steps)
    case .text(let text): Interval(text)
    default: nil
    }
  }
  /// Steps or epochs, required or with a default.
  package func interval(_ name: String) -> Interval { optionalInterval(name) ?? .steps(1) }

  /// The elements of a list; empty where absent, so ask `isGiven` or `value` where that differs.
  package func list(_ name: String) -> [Located] { value(name)?.elements ?? [] }
  /// A list of whole numbers.
  package func ints(_ name: String) -> [Int] {
    list(name).compactMap { if case .integer(let value) = $0.value { value } else { nil } }
  }
  /// A list of numbers.
  package func numbers(_ name: String) -> [Double] { list(name).compactMap(\.asNumber) }
  /// A list of texts, names or patterns.
  package func texts(_ name: String) -> [String] { list(name).compactMap(\.asText) }

  /// The entries of a map in file order, whose order has a meaning for patterns.
  package func map(_ name: String) -> [Located.Entry] { value(name)?.entries ?? [] }

  /// A component, or nil where the field is absent.
  package func optionalComponent(_ name: String) -> Component? {
    value(name).flatMap { components[$0.path] }
  }

  /// A required component; one without a name after an error.
  package func component(_ name: String) -> Component {
    if let component = optionalComponent(name) { return component }
    guard case .component(_, let key, let beside) = table[name]?.type else {
      preconditionFailure("\(path): the field \(name) is no component")
    }
    let empty = Located(.map([]), at: location, path: DottedPath.joining(path, name))
    let named: OptionTable = [Option(key, .text, default: .absent, "")]
    let reader = OptionReader(
      empty, named.adding(beside), Diagnostics(), rest: .deferred(owner: name))
    return Component(name: "", nameLocation: location, options: reader.rest, beside: reader)
  }

  /// The components of a list, or the single one that stands in its place.
  package func components(_ name: String) -> [Component] {
    if let single = optionalComponent(name) { return [single] }
    return list(name).compactMap { components[$0.path] }
  }

  /// The reader of a nested map with fields of its own; nil where it is absent.
  package func optionalTable(_ name: String) -> OptionReader? {
    value(name).flatMap { tables[$0.path] }
  }

  /// The readers of a list of such maps.
  package func tables(_ name: String) -> [OptionReader] {
    list(name).compactMap { tables[$0.path] }
  }

  /// The readers of a map of such maps, with their keys in file order.
  package func namedTables(_ name: String) -> [(key: String, reader: OptionReader)] {
    map(name).compactMap { entry in tables[entry.value.path].map { (entry.key, $0) } }
  }
}

extension Deferred {
  fileprivate var parts: [Resolution.Part] {
    (fields + forwarded).map { .init(path: $0.value.path, location: $0.keyLocation) }
  }
}

extension Located {
  fileprivate func refuseUnlessMap(_ diagnostics: Diagnostics) {
    if case .map = value { return }
    diagnostics.error(.wrongType(expected: "a map", found: found, hint: nil), at: self)
  }

  var asNumber: Double? {
    switch value {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }

  var asText: String? {
    switch value {
    case .text(let value): value
    case .boolean(let value): String(value)
    default: nil
    }
  }

  /// The value as messages name it.
  var found: String {
    switch value {
    case .null: "nothing"
    case .boolean(let value): String(value)
    case .integer(let value): String(value)
    case .number(let value): "\(value)"
    case .text(let value), .path(let value): "\"\(value)\""
    case .list(let elements): elements.isEmpty ? "an empty list" : "a list"
    case .map: "a map"
    }
  }
}
