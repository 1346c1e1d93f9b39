/// The lines of a resolved recipe as dotted keys with the text of their values.
///
/// Reads the block style in which resolved recipes are written, one key or list element per line;
/// a value in flow style is one text. This is for showing what differs, not for reading recipes.
package enum RecipeSettings {
  package static func flattened(_ yaml: String) -> [String: String] {
    var reader = Reader()
    for line in yaml.split(separator: "\n") { reader.read(line) }
    return reader.settings
  }

  /// Keys whose values are not the same in all recipes, sorted; an absent key is the text `—`.
  package static func differences(_ recipes: [[String: String]]) -> [(
    key: String, values: [String]
  )] {
    Set(recipes.flatMap(\.keys)).sorted().compactMap { key in
      let values = recipes.map { $0[key] ?? "—" }
      return Set(values).count > 1 ? (key, values) : nil
    }
  }

  private struct Reader {
    var settings: [String: String] = [:]
    /// Open keys and list elements; an element stands half a level below the key that holds it, as
    /// YAML lets a list begin in the column of its key.
    private var open: [(level: Int, path: String)] = []
    private var elements: [String: Int] = [:]

    mutating func read(_ line: Substring) {
      let indent = line.prefix { $0 == " " }.count
      let content = line.dropFirst(indent)
      guard !content.isEmpty, !content.hasPrefix("#"), content != "---" else { return }
      read(content, indent: indent)
    }

    private mutating func read(_ content: Substring, indent: Int) {
      if content == "-" || content.hasPrefix("- ") {
        close(from: 2 * indent + 1)
        let list = open.last?.path ?? ""
        let path = "\(list).\(elements[list, default: 0])"
        elements[list, default: 0] += 1
        open.append((2 * indent + 1, path))
        let rest = content.dropFirst().drop { $0 == " " }
        let offset = content.count - rest.count
        if !rest.isEmpty { read(rest, indent: indent + offset) }
      } else if let (key, value) = pair(content) {
        close(from: 2 * indent)
        let path = open.last.map { "\($0.path).\(key)" } ?? key
        if value.isEmpty { open.append((2 * indent, path)) } else { settings[path] = value }
      } else if let path = open.last?.path {
        settings[path] = unquoted(content)
      }
    }

    private mutating func close(from level: Int) {
      while let last = open.last, last.level >= level { open.removeLast() }
    }

    private func pair(_ content: Substring) -> (key: String, value: String)? {
      guard let first = content.first, first != "{", first != "[" else { return nil }
      guard
        let colon = content.indices.first(where: { index in
          let next = content.index(after: index)
          return content[index] == ":" && (next == content.endIndex || content[next] == " ")
        })
      else { return nil }
      let value = content[content.index(after: colon)...].drop { $0 == " " }
      return (unquoted(content[..<colon]), unquoted(value))
    }

    private func unquoted(_ text: Substring) -> String {
      guard let first = text.first, text.count > 1, first == "'" || first == "\"",
        text.last == first
      else { return String(text) }
      return String(text.dropFirst().dropLast())
    }
  }
}
