/// A recipe value with the place where it was written and its dotted path.
package struct Located: Sendable {
  package var value: Value
  package var location: SourceLocation
  /// Empty for the root.
  package private(set) var path: String

  /// What was written.
  package enum Value: Sendable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    /// A path made absolute; only option tables make this of a text.
    case path(String)
    case list([Located])
    /// Keys in the order of the file.
    case map([Entry])
  }

  /// A key of a map with its place and value.
  package struct Entry: Sendable {
    package var key: String
    package var keyLocation: SourceLocation
    package var value: Located
    package init(key: String, keyLocation: SourceLocation, value: Located) {
      self.key = key
      self.keyLocation = keyLocation
      self.value = value
    }
  }

  /// A value at a place; parts carry their own.
  package init(_ value: Value, at location: SourceLocation, path: String = "") {
    self.value = value
    self.location = location
    self.path = path
  }

  /// A plain value, all of whose parts lie at `location`.
  package init(plain: PlainValue, at location: SourceLocation, path: String = "") {
    let value: Value =
      switch plain {
      case .null: .null
      case .boolean(let value): .boolean(value)
      case .integer(let value): .integer(value)
      case .number(let value): .number(value)
      case .text(let value): .text(value)
      case .path(let value): .path(value)
      case .list(let elements):
        .list(
          elements.enumerated().map {
            Located(plain: $1, at: location, path: DottedPath.joining(path, String($0)))
          })
      case .map(let fields):
        .map(
          fields.map {
            Entry(
              key: $0.key, keyLocation: location,
              value: Located(plain: $0.value, at: location, path: DottedPath.joining(path, $0.key)))
          })
      }
    self.init(value, at: location, path: path)
  }

  /// The same value under another path, parts included.
  package func moved(to path: String) -> Located {
    var moved = self
    moved.path = path
    switch value {
    case .list(let elements):
      moved.value = .list(
        elements.enumerated().map { $1.moved(to: DottedPath.joining(path, String($0))) })
    case .map(let entries):
      moved.value = .map(
        entries.map {
          var entry = $0
          entry.value = $0.value.moved(to: DottedPath.joining(path, $0.key))
          return entry
        })
    case .null, .boolean, .integer, .number, .text, .path: break
    }
    return moved
  }

  /// The value without places.
  package var plain: PlainValue {
    switch value {
    case .null: .null
    case .boolean(let value): .boolean(value)
    case .integer(let value): .integer(value)
    case .number(let value): .number(value)
    case .text(let value): .text(value)
    case .path(let value): .path(value)
    case .list(let elements): .list(elements.map(\.plain))
    case .map(let entries): .map(entries.map { .init($0.key, $0.value.plain) })
    }
  }

  /// The entries of a map; empty for anything else.
  package var entries: [Entry] {
    guard case .map(let entries) = value else { return [] }
    return entries
  }

  /// The elements of a list; empty for anything else.
  package var elements: [Located] {
    guard case .list(let elements) = value else { return [] }
    return elements
  }

  /// The value under `key` of a map.
  package subscript(_ key: String) -> Located? {
    entries.first { $0.key == key }?.value
  }

  /// Whether nothing was written (`key:`).
  package var isNull: Bool {
    guard case .null = value else { return false }
    return true
  }
}
