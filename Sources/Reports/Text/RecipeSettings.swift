internal import Recipes

/// The fields of a resolved recipe as dotted keys with their values as texts.
package enum RecipeSettings {
  /// Lists of plain values are one text; elements of other lists are counted from 0.
  ///
  /// - Throws: `ReportError.unreadable` naming `place`.
  package static func flattened(
    _ yaml: String, of place: String
  ) throws(ReportError) -> [String: String] {
    let diagnostics = Diagnostics()
    let root = YAMLReader.read(yaml, source: place, directory: "/", diagnostics: diagnostics)
    do { try diagnostics.throwErrors() } catch {
      throw .unreadable(place: place, reason: String(describing: error))
    }
    var settings: [String: String] = [:]
    if let root { collect(root, into: &settings) }
    return settings
  }

  /// Keys whose values are not the same in all recipes, sorted; an absent key is the text `—`.
  ///
  /// Where a run writes is not a setting of it.
  package static func differences(
    _ recipes: [[String: String]]
  ) -> [(key: String, values: [String])] {
    Set(recipes.flatMap(\.keys)).sorted().compactMap { key in
      let section = key.split(separator: ".").first ?? ""
      guard !["output", "tracking", "sweep"].contains(section) else { return nil }
      let values = recipes.map { $0[key] ?? "—" }
      return Set(values).count > 1 ? (key, values) : nil
    }
  }

  private static func collect(_ value: Located, into settings: inout [String: String]) {
    switch value.value {
    case .map(let entries): for entry in entries { collect(entry.value, into: &settings) }
    case .list(let elements):
      let texts = elements.compactMap(text)
      if texts.count == elements.count {
        settings[value.path] = "[\(texts.joined(separator: ", "))]"
      } else {
        for element in elements { collect(element, into: &settings) }
      }
    default: settings[value.path] = text(value)
    }
  }

  /// Nil for lists and maps.
  private static func text(_ value: Located) -> String? {
    switch value.value {
    case .null: "null"
    case .boolean(let value): String(value)
    case .integer(let value): String(value)
    case .number(let value): "\(value)"
    case .text(let value), .path(let value): value
    case .list, .map: nil
    }
  }
}
