/// What option tables made of a recipe: every field with its default written out, and which parts
/// nobody has read.
package struct Resolution: Sendable {
  package struct Part: Sendable {
    package let path: String
    package let location: SourceLocation
  }

  private var settled: [String: [Located.Entry]] = [:]
  private var offered: [(owner: String, parts: [Part])] = []
  private var taken: Set<String> = []

  /// Parts offered to a table that no table has taken.
  package var unread: [Part] {
    offered.filter { !taken.contains($0.owner) }.flatMap(\.parts)
  }

  /// Writes decoded fields of the map at `path`, over earlier ones of the same name.
  mutating func settle(_ entries: [Located.Entry], at path: String) {
    var fields = settled[path] ?? []
    for entry in entries {
      if let index = fields.firstIndex(where: { $0.key == entry.key }) {
        fields[index] = entry
      } else {
        fields.append(entry)
      }
    }
    settled[path] = fields
  }

  mutating func offer(_ parts: [Part], at path: String) {
    if !offered.contains(where: { $0.owner == path }) { offered.append((path, parts)) }
  }

  mutating func take(_ path: String) { taken.insert(path) }

  /// Writes a default that only the assembly could work out (`train.loss` by task).
  package mutating func set(_ value: PlainValue, for key: String, in path: String) {
    let location = SourceLocation(source: "default")
    let located = Located(plain: value, at: location, path: DottedPath.joining(path, key))
    settle([.init(key: key, keyLocation: location, value: located)], at: path)
  }

  /// The value with every decoded map replaced by its resolved fields; fields that nobody decoded
  /// stay as written.
  package func resolved(_ value: Located) -> PlainValue {
    if let fields = settled[value.path] {
      let names = Set(fields.map(\.key))
      let rest = value.entries.filter { !names.contains($0.key) }
      return .map((fields + rest).map { .init($0.key, resolved($0.value)) })
    }
    return switch value.value {
    case .list(let elements): .list(elements.map(resolved))
    case .map(let entries): .map(entries.map { .init($0.key, resolved($0.value)) })
    case .null, .boolean, .integer, .number, .text, .path: value.plain
    }
  }
}
