/// What option tables made of a recipe: every field with its default written out, and which parts
/// nobody has read.
package struct Resolution: Sendable {
  package struct Part: Sendable {
    package let path: String
    package let location: SourceLocation
  }

  private var settled: [String: [Located.Entry]] = [:]
  /// Field names by path in the order of the tables that decoded the map.
  private var order: [String: [String]] = [:]
  /// Keys by path as the recipe spells decoded fields.
  private var spellings: [String: Set<String>] = [:]
  private var offered: [(owner: String, parts: [Part])] = []
  private var taken: Set<String> = []

  /// Parts offered to a table that no table has taken.
  package var unread: [Part] {
    offered.filter { !taken.contains($0.owner) }.flatMap(\.parts)
  }

  /// Writes decoded fields of the map at `path`, over earlier ones of the same name.
  mutating func settle(
    _ entries: [Located.Entry], at path: String, order names: [String], spelled keys: Set<String>
  ) {
    spellings[path, default: []].formUnion(keys)
    var known = order[path] ?? []
    known += names.filter { !known.contains($0) }
    order[path] = known
    let replaced = Set(entries.map(\.key))
    let fields = (settled[path] ?? []).filter { !replaced.contains($0.key) } + entries
    settled[path] = known.compactMap { name in fields.first { $0.key == name } }
  }

  mutating func offer(_ parts: [Part], at path: String) {
    if !offered.contains(where: { $0.owner == path }) { offered.append((path, parts)) }
  }

  mutating func take(_ path: String) { taken.insert(path) }

  /// Writes a default that only the assembly could work out (`train.loss` by task).
  package mutating func set(_ value: PlainValue, for key: String, in path: String) {
    let location = SourceLocation(source: "default")
    let located = Located(plain: value, at: location, path: DottedPath.joining(path, key))
    settle(
      [.init(key: key, keyLocation: location, value: located)], at: path, order: [key],
      spelled: [key])
  }

  /// The value with every decoded map replaced by its resolved fields; fields that nobody decoded
  /// stay as written.
  package func resolved(_ value: Located) -> PlainValue {
    if let fields = settled[value.path] {
      let decoded = (spellings[value.path] ?? []).union(fields.map(\.key))
      let rest = value.entries.filter { !decoded.contains($0.key) }
      return .map((fields + rest).map { .init($0.key, resolved($0.value)) })
    }
    return switch value.value {
    case .list(let elements): .list(elements.map(resolved))
    case .map(let entries): .map(entries.map { .init($0.key, resolved($0.value)) })
    case .null, .boolean, .integer, .number, .text, .path: value.plain
    }
  }
}
