import Foundation
import Formats
package import Recipes

/// What `import` made of a peer's configuration.
package struct ImportedConfiguration: Codable, Sendable {
  /// The program whose configuration it is.
  package var format: String
  package var source: String
  /// Every key of the file, and defaults of the program's that were written out.
  package var keys: [ImportedKey]
  /// Fields that the file does not say: they stand as placeholders.
  package var placeholders: [RecipePlaceholder]
  /// What the recipe's own reader finds wrong with it; empty for one that can be trained once the
  /// placeholders are filled.
  package var problems: [String]
  /// The recipe as YAML.
  package var recipe: String

  private enum CodingKeys: String, CodingKey {
    case format, source, keys, placeholders, problems, recipe
  }

  /// Keys without a counterpart that change the result.
  package var lost: [ImportedKey] { keys.filter(\.changesResult) }
}

/// Translates a configuration of another program into a recipe; nothing is written.
///
/// - Parameters:
///   - path: The file.
///   - format: The program; nil takes the one that recognizes the file.
/// - Returns: The recipe, and what became of every key.
/// - Throws: `ImportError`, `RecipeError.fileMissing`, `RecipeError.unknownName` for a program that is
///   not known.
package func importConfiguration(
  _ path: String, from format: String? = nil
) throws -> ImportedConfiguration {
  let file = try PeerFile(path)
  let type = try peerFormat(of: file, named: format)
  var translation = Translation(file.root, variables: file.variables)
  translation.apply(type.rules)
  type.settle(&translation)
  let name = URL(filePath: path).deletingPathExtension().lastPathComponent
  translation.draft.complete(name: name)
  let lost = translation.keys.filter(\.changesResult)
  var head = ["From the \(type.name) configuration \(URL(filePath: path).lastPathComponent)."]
  if !lost.isEmpty {
    head.append("These keys have no counterpart, and the run comes out otherwise without them:")
    head += lost.map { "  \($0.key): \($0.value) (\($0.reason ?? ""))" }
  }
  let text = translation.draft.yaml(head: head)
  return ImportedConfiguration(
    format: type.name, source: path, keys: translation.keys,
    placeholders: translation.draft.placeholders,
    problems: recipeProblems(text, source: path), recipe: text)
}

/// The values of a configuration, whatever it is written in.
package func configurationValues(_ path: String) throws -> Located { try PeerFile(path).root }

/// Writes an imported recipe; nil prints none.
///
/// - Throws: `FormatError.outputExists` for a file that is there, `ImportError.incomplete` where keys that
///   change the result have no counterpart and `isPartial` does not allow it.
package func writeImported(
  _ imported: ImportedConfiguration, to path: String?, isPartial: Bool, replacing: Bool
) throws {
  guard isPartial || imported.lost.isEmpty else {
    throw ImportError.incomplete(path: imported.source, keys: imported.lost.map(\.key))
  }
  guard let path else { return }
  try writeNewRecipe(imported.recipe, to: path, replacing: replacing)
}

/// Writes a recipe that another file must not give way to.
///
/// - Throws: `FormatError.outputExists`.
func writeNewRecipe(_ text: String, to path: String, replacing: Bool) throws {
  if !replacing, FileManager.default.fileExists(atPath: path) {
    throw FormatError.outputExists(path: path, replacing: "Pass --force to replace it")
  }
  try FileManager.default.createDirectory(
    atPath: FilePath.directory(of: path), withIntermediateDirectories: true)
  try writeAtomically(Data(text.utf8), to: path)
}

/// What the reader of recipes says of a text; nothing that it names is opened.
func recipeProblems(_ text: String, source: String) -> [String] {
  do {
    _ = try RunPlan(RunParts(text: text, source: source))
    return []
  } catch {
    return "\(error)".split(separator: "\n").map(String.init)
  }
}

private func peerFormat(
  of file: PeerFile, named name: String?
) throws -> any PeerFormat.Type {
  if let name { return try PeerFormats.registry.entry(named: name) }
  let found = PeerFormats.registry.entries.first { type in
    (type.syntax == file.syntax || type.syntax == .yaml && file.syntax == .json)
      && type.recognizes(file.root)
  }
  guard let found else {
    throw ImportError.formatUnknown(
      path: file.path, keys: file.root.entries.map(\.key), known: PeerFormats.registry.names)
  }
  return found
}

extension ImportedConfiguration {
  /// Keys by their fate, then placeholders and problems, for people.
  package var sections: [(heading: String, lines: [(name: String, value: String)])] {
    var sections: [(heading: String, lines: [(name: String, value: String)])] = []
    for fate in ImportedKey.Fate.allCases {
      let some = keys.filter { $0.fate == fate }
      guard !some.isEmpty else { continue }
      sections.append(
        ("\(some.count) \(fate.rawValue)", some.map { ("\($0.key): \($0.value)", $0.text) }))
    }
    if !placeholders.isEmpty {
      sections.append(
        ("\(placeholders.count) to fill in", placeholders.map { ($0.field, $0.reason) }))
    }
    if !problems.isEmpty {
      sections.append(("the recipe's reader says", problems.map { ("", $0) }))
    }
    return sections
  }
}

extension ImportedKey {
  /// Fields and reason on one line.
  fileprivate var text: String {
    let mark = fate == .unmappable && !changesResult ? "(the result stays the same) " : ""
    let fields = fields.map { "\($0.field): \($0.value)" }.joined(separator: ", ")
    return mark
      + [fields.isEmpty ? nil : "-> \(fields)", reason].compactMap { $0 }
      .joined(separator: "; ")
  }
}
