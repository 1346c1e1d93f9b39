/// One `--set`: `a.b.c=VALUE`, where VALUE is YAML, or `~a.b`, which removes a key.
package struct Override: Sendable {
  package let text: String
  private let location: SourceLocation

  /// - Parameters:
  ///   - text: As written on the command line.
  ///   - directory: Relative paths in the value are relative to this folder.
  package init(_ text: String, directory: String = FilePath.current) {
    self.text = text
    location = SourceLocation(source: "--set \"\(text)\"", directory: directory)
  }

  /// A change whose value stands at `location` of a file: messages and relative paths follow that.
  package init(_ text: String, at location: SourceLocation) {
    self.text = text
    self.location = location
  }

  /// Folder that relative paths in the value are relative to.
  package var directory: String { location.directory }

  /// Whether the value holds no text, so that no path in it depends on the folder.
  package var isPlaceless: Bool {
    guard !text.hasPrefix("~"), let equals = equalsSign else { return true }
    let value = YAMLReader.read(
      String(text[text.index(after: equals)...]), source: "", directory: "/",
      diagnostics: Diagnostics())
    return value.map { !$0.plain.holdsText } ?? true
  }

  /// The tree with the change made; errors leave it as it is.
  func applied(to root: Located, _ diagnostics: Diagnostics) -> Located {
    if text.hasPrefix("~") {
      guard let keys = DottedPath.keys(of: String(text.dropFirst())) else {
        diagnostics.error(.malformedOverride(text), at: location, path: "")
        return root
      }
      return removing(RecipeTable.canonicalized(keys), from: root, diagnostics)
    }
    guard let equals = equalsSign, let written = DottedPath.keys(of: String(text[..<equals])) else {
      diagnostics.error(.malformedOverride(text), at: location, path: "")
      return root
    }
    let yaml = String(text[text.index(after: equals)...])
    guard
      let value = YAMLReader.read(
        yaml, source: location.source, directory: location.directory, diagnostics: diagnostics)
    else { return root }
    let keys = RecipeTable.canonicalized(written)
    let path = DottedPath.joining(keys)
    if keys != written {
      diagnostics.note(.aliasRead(as: path), at: location, path: DottedPath.joining(written))
    }
    let placed = RecipeTable.canonicalized(
      Located(plain: value.plain, at: location, path: path), at: keys, diagnostics)
    guard let changed = root.setting(keys[...], to: placed, location) else {
      diagnostics.error(obstacle(on: keys, in: root), at: location, path: path)
      return root
    }
    return changed
  }

  private func removing(
    _ keys: [String], from root: Located, _ diagnostics: Diagnostics
  ) -> Located {
    guard root.entry(at: keys) != nil else {
      diagnostics.error(.nothingToRemove, at: location, path: DottedPath.joining(keys))
      return root
    }
    return root.removing(keys)
  }

  /// The first equals sign outside quotes.
  private var equalsSign: String.Index? {
    var isQuoted = false
    return text.indices.first { index in
      if text[index] == "\"" { isQuoted.toggle() }
      return text[index] == "=" && !isQuoted
    }
  }

  /// Why the path cannot be followed: the first value on the way that has no such part.
  private func obstacle(on keys: [String], in root: Located) -> Problem {
    for count in keys.indices {
      guard let (_, node) = root.entry(at: Array(keys[..<count])) else { continue }
      switch node.value {
      case .list(let elements) where Int(keys[count]).map(elements.indices.contains) != true:
        return .noSuchElement(count: elements.count)
      case .boolean, .integer, .number, .path: return .notAMap(found: node.found)
      case .null, .text, .map, .list: continue
      }
    }
    return .notAMap(found: "nothing")
  }
}

extension PlainValue {
  fileprivate var holdsText: Bool {
    switch self {
    case .text, .path: true
    case .list(let elements): elements.contains { $0.holdsText }
    case .map(let fields): fields.contains { $0.value.holdsText }
    case .null, .boolean, .integer, .number: false
    }
  }
}
