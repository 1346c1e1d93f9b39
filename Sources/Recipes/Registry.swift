/// What a registry knows of each entry, from the entry's type.
package protocol RegistryEntry: SendableMetatype {
  /// As recipes write it.
  static var name: String { get }
  /// One sentence for listings.
  static var summary: String { get }
  static var options: OptionTable { get }
  /// Its formula is unverified: listed apart, and left out of rankings.
  static var isExperimental: Bool { get }
  /// Other names that recipes may give it.
  static var aliases: [String] { get }
}

extension RegistryEntry {
  package static var isExperimental: Bool { false }
  package static var aliases: [String] { [] }
}

/// All components of one kind, sorted by name; an immutable value.
///
/// `Entry` is the metatype of a protocol that refines `RegistryEntry`:
/// `Registry<any AdapterMethod.Type>(kind: "adapter method", [LoRA.self, SALT.self])`.
package struct Registry<Entry: Sendable>: Sendable {
  /// What an entry is called in messages: `adapter method`.
  package let kind: String
  private let byName: [String: Entry]
  private let byAlias: [String: Entry]

  /// Two entries of one name, or an entry that is no `RegistryEntry`, are programming errors.
  package init(kind: String, _ entries: [Entry]) {
    self.kind = kind
    var byName: [String: Entry] = [:]
    var byAlias: [String: Entry] = [:]
    for entry in entries {
      let name = Self.type(of: entry).name
      precondition(byName[name] == nil, "two entries of the \(kind) registry are called \(name)")
      byName[name] = entry
    }
    for entry in entries {
      for alias in Self.type(of: entry).aliases {
        precondition(
          byName[alias] == nil && byAlias[alias] == nil,
          "two entries of the \(kind) registry are called \(alias)")
        byAlias[alias] = entry
      }
    }
    self.byName = byName
    self.byAlias = byAlias
  }

  /// Sorted.
  package var names: [String] { byName.keys.sorted() }
  /// Sorted by name.
  package var entries: [Entry] { names.compactMap { byName[$0] } }

  /// The entry of that name, or nil.
  package subscript(_ name: String) -> Entry? { byName[name] ?? byAlias[name] }

  /// The entry as what a registry knows of it.
  package static func type(of entry: Entry) -> any RegistryEntry.Type {
    guard let type = entry as? any RegistryEntry.Type else {
      preconditionFailure("\(entry) is no RegistryEntry")
    }
    return type
  }

  /// The entry of that name; an unknown name throws with the nearest one and the full list.
  package func entry(named name: String) throws(RecipeError) -> Entry {
    guard let entry = self[name] else {
      throw .unknownName(kind: kind, name: name, known: names)
    }
    return entry
  }

  /// The entry of that name, or nil with the error recorded at the place in the recipe.
  package func entry(
    named name: String, at location: SourceLocation, path: String, _ diagnostics: Diagnostics
  ) -> Entry? {
    if self[name] == nil {
      diagnostics.error(
        .unknownName(kind: kind, name: name, known: names), at: location, path: path)
    }
    return self[name]
  }

  /// The entry that a component of the recipe names.
  package func entry(for component: Component, _ diagnostics: Diagnostics) -> Entry? {
    entry(
      named: component.name, at: component.nameLocation, path: component.path, diagnostics)
  }

  /// The entry that a component names, with the component's options read by the entry's table.
  ///
  /// - Parameters:
  ///   - component: Name and options from the recipe.
  ///   - diagnostics: Takes an unknown name, and what is wrong with the options.
  /// - Returns: Nil for an unknown name.
  package func reading(
    _ component: Component, _ diagnostics: Diagnostics
  ) -> (entry: Entry, reader: OptionReader)? {
    entry(for: component, diagnostics).map {
      ($0, OptionReader(component, Self.type(of: $0).options, diagnostics))
    }
  }

  /// A copy with one more entry; an existing name throws.
  package func adding(_ entry: Entry) throws(RecipeError) -> Registry {
    let name = Self.type(of: entry).name
    guard byName[name] == nil else { throw .nameTaken(kind: kind, name: name) }
    return Registry(kind: kind, entries + [entry])
  }
}
