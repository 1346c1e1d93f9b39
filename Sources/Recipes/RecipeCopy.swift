import Foundation

extension RecipeLoader {
  /// The text of a recipe for another place: relative paths lead to the same files as before.
  ///
  /// A recipe without `base` keeps its comments; one with bases is written merged with them.
  ///
  /// - Parameters:
  ///   - file: The recipe.
  ///   - target: Where the text is to be written.
  /// - Returns: The text.
  /// - Throws: `RecipeError` where the recipe or a base cannot be read.
  package func copy(of file: String, for target: String) throws(RecipeError) -> String {
    let diagnostics = Diagnostics()
    let text = try Self.text(of: file)
    let folder = FilePath.directory(of: file)
    let identity = FilePath.absolute((file as NSString).lastPathComponent, relativeTo: folder)
    guard
      let merged = document(
        text, source: file, directory: folder, trail: [identity], diagnostics),
      !diagnostics.hasErrors
    else { throw RecipeError(diagnostics) }
    let paths = RecipeTable.paths(in: merged)
    let destination = FilePath.directory(of: target)
    let hasBase = text.split(separator: "\n").contains { $0.hasPrefix("base:") }
    guard hasBase else { return Self.moved(text, paths.map(\.value), to: destination) }
    let moved = paths.reduce(merged) { tree, path in
      guard let new = path.value.rebased(to: destination) else { return tree }
      return tree.setting(
        path.keys, to: Located(.text(new), at: path.value.location),
        keyLocation: path.value.location)
    }
    let head = text.split(separator: "\n", omittingEmptySubsequences: false)
      .prefix { $0.hasPrefix("#") }.map { $0 + "\n" }.joined()
    let order = RecipeTable.spelling.names
    let sections = moved.entries.sorted {
      order.firstIndex(of: $0.key) ?? order.count < order.firstIndex(of: $1.key) ?? order.count
    }
    return head + YAMLWriter.text(of: moved.replacing(.map(sections)).plain)
  }

  /// The text with each path replaced where it stands, from the end so that places stay true.
  private static func moved(_ text: String, _ paths: [Located], to folder: String) -> String {
    var lines = text.components(separatedBy: "\n")
    let inOrder = paths.sorted {
      ($0.location.line ?? 0, $0.location.column ?? 0)
        > ($1.location.line ?? 0, $1.location.column ?? 0)
    }
    for path in inOrder {
      guard let old = path.asText, let new = path.rebased(to: folder),
        let line = path.location.line, let column = path.location.column,
        lines.indices.contains(line - 1)
      else { continue }
      let head = String(lines[line - 1].unicodeScalars.prefix(column - 1))
      let tail = String(lines[line - 1].unicodeScalars.dropFirst(column - 1))
      if let range = tail.range(of: old) {
        lines[line - 1] = head + tail.replacingCharacters(in: range, with: new)
      }
    }
    return lines.joined(separator: "\n")
  }
}

extension RecipeTable {
  /// Relative paths of files and folders in a recipe, with the keys that lead to them.
  fileprivate static func paths(in root: Located) -> [(keys: [String], value: Located)] {
    paths(in: root, .table(spelling), []) + cardFiles(in: root)
  }

  /// References to cards that are files; others are names.
  private static func cardFiles(in root: Located) -> [(keys: [String], value: Located)] {
    let count = root["data"]?["sources"]?.elements.count ?? 0
    let places = [["data", "card"]] + (0..<count).map { ["data", "sources", String($0), "card"] }
    return places.compactMap { keys in
      guard let value = root.entry(at: keys)?.value, let name = value.asText,
        RecipeLoader.isCardFile(name)
      else { return nil }
      return (keys, value)
    }
  }

  private static func paths(
    in value: Located, _ type: OptionType, _ keys: [String]
  ) -> [(keys: [String], value: Located)] {
    switch (type, value.value) {
    case (.path, .text): [(keys, value)]
    case (.table(let table, _), .map(let entries)),
      (.component(_, _, let table), .map(let entries)):
      entries.flatMap { entry in
        table[entry.key].map { paths(in: entry.value, $0.type, keys + [entry.key]) } ?? []
      }
    case (.map(let element), .map(let entries)):
      entries.flatMap { paths(in: $0.value, element, keys + [$0.key]) }
    case (.list(let element, _), .list(let elements)):
      elements.enumerated().flatMap { paths(in: $1, element, keys + [String($0)]) }
    case (.either(let types), _):
      types.first { $0.fits(value) || $0.isNear(value) }.map { paths(in: value, $0, keys) } ?? []
    default: []
    }
  }
}

extension Located {
  /// A relative path as seen from another folder; nil for what is absolute or a reference.
  fileprivate func rebased(to folder: String) -> String? {
    guard let text = asText, !text.hasPrefix("/"), !text.hasPrefix("${") else { return nil }
    let from = folder.split(separator: "/")
    let to = FilePath.absolute(text, relativeTo: location.directory).split(separator: "/")
    let common = zip(from, to).prefix { $0 == $1 }.count
    let steps = [Substring](repeating: "..", count: from.count - common) + to.dropFirst(common)
    return steps.isEmpty ? "." : steps.joined(separator: "/")
  }
}
