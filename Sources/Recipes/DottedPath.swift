/// Dotted paths as messages and overrides write them: `data.transforms.0.size`.
///
/// A key that holds a dot stands in quotes: `adapter.rank_pattern."attn.qkv"`.
package enum DottedPath {
  /// The path of `key` under `parent`; the root is the empty path.
  package static func joining(_ parent: String, _ key: String) -> String {
    let isPlain = !key.isEmpty && !key.contains { $0 == "." || $0 == "\"" }
    let segment = isPlain ? key : "\"\(key)\""
    return parent.isEmpty ? segment : "\(parent).\(segment)"
  }

  /// The path of nested keys from the root.
  package static func joining(_ keys: [String]) -> String {
    keys.reduce("") { joining($0, $1) }
  }

  /// The keys of a written path, or nil for an empty segment or an open quote.
  package static func keys(of path: String) -> [String]? {
    var keys: [String] = []
    var key = ""
    var wasQuoted = false
    var isOpen = false
    for character in path {
      switch character {
      case "\"" where isOpen || key.isEmpty:
        isOpen.toggle()
        wasQuoted = true
      case "." where !isOpen:
        guard !key.isEmpty || wasQuoted else { return nil }
        keys.append(key)
        key = ""
        wasQuoted = false
      default: key.append(character)
      }
    }
    guard !isOpen, !key.isEmpty || wasQuoted else { return nil }
    return keys + [key]
  }
}
