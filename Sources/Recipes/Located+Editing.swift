extension Located {
  func replacing(_ content: Value) -> Located {
    Located(content, at: location, path: path)
  }

  /// A map with one more entry, at the end or in the place of the one it has under that key.
  func adding(_ key: String, _ value: Located, at keyLocation: SourceLocation) -> Located {
    var entries = entries
    let entry = Entry(
      key: key, keyLocation: keyLocation, value: value.moved(to: DottedPath.joining(path, key)))
    if let index = entries.firstIndex(where: { $0.key == key }) {
      entries[index] = entry
    } else {
      entries.append(entry)
    }
    return replacing(.map(entries))
  }

  func removing(_ key: String) -> Located {
    replacing(.map(entries.filter { $0.key != key }))
  }

  /// This value laid over `base`: maps merge deeply, lists and scalars replace.
  func merged(over base: Located) -> Located {
    guard case .map = base.value, case .map(let entries) = value else { return self }
    return entries.reduce(base) { merged, entry in
      let value = merged[entry.key].map { entry.value.merged(over: $0) } ?? entry.value
      return merged.adding(entry.key, value, at: entry.keyLocation)
    }
  }

  /// The key's place and the value under a path of keys and list positions.
  ///
  /// A key that itself holds dots is also found by its parts (`sweep.adapter.r`).
  func entry(at keys: [String]) -> (key: SourceLocation, value: Located)? {
    var place = location
    var node = self
    var rest = keys[...]
    while let key = rest.first {
      switch node.value {
      case .map(let entries):
        let whole = rest.joined(separator: ".")
        if let entry = entries.first(where: { $0.key == key }) {
          (place, node) = (entry.keyLocation, entry.value)
        } else if let entry = entries.first(where: { $0.key == whole }) {
          return (entry.keyLocation, entry.value)
        } else {
          return nil
        }
      case .list(let elements):
        guard let index = Int(key), elements.indices.contains(index) else { return nil }
        (place, node) = (elements[index].location, elements[index])
      case .null, .boolean, .integer, .number, .text, .path: return nil
      }
      rest = rest.dropFirst()
    }
    return (place, node)
  }

  func removing(_ keys: [String]) -> Located {
    guard let key = keys.first else { return self }
    let rest = Array(keys.dropFirst())
    switch value {
    case .map(let entries):
      let whole = keys.joined(separator: ".")
      guard let entry = entries.first(where: { $0.key == key }) else { return removing(whole) }
      return rest.isEmpty
        ? removing(key) : adding(key, entry.value.removing(rest), at: entry.keyLocation)
    case .list(var elements):
      guard let index = Int(key), elements.indices.contains(index) else { return self }
      if rest.isEmpty {
        elements.remove(at: index)
      } else {
        elements[index] = elements[index].removing(rest)
      }
      return replacing(.list(elements)).moved(to: path)
    case .null, .boolean, .integer, .number, .text, .path: return self
    }
  }

  /// A copy with `value` under a path; where the path cannot be followed, it stays as it is.
  func setting(_ keys: [String], to value: Located, keyLocation: SourceLocation) -> Located {
    setting(keys[...], to: value, keyLocation) ?? self
  }

  /// A copy with `value` under a path, or nil where the path cannot be followed.
  ///
  /// Missing maps are made, and a component written as its name becomes a map.
  func setting(
    _ keys: ArraySlice<String>, to value: Located, _ keyLocation: SourceLocation
  ) -> Located? {
    guard let key = keys.first else { return value.moved(to: path) }
    let rest = keys.dropFirst()
    switch self.value {
    case .null:
      return Located(.map([]), at: keyLocation, path: path).setting(keys, to: value, keyLocation)
    case .text(let name):
      return replacing(.map([])).adding("name", Located(.text(name), at: location), at: location)
        .setting(keys, to: value, keyLocation)
    case .map(let entries):
      let whole = keys.joined(separator: ".")
      let existing = entries.first { $0.key == key }
      if existing == nil, let entry = entries.first(where: { $0.key == whole }) {
        return adding(whole, value, at: entry.keyLocation)
      }
      let child =
        existing?.value ?? Located(.null, at: keyLocation, path: DottedPath.joining(path, key))
      return child.setting(rest, to: value, keyLocation).map { adding(key, $0, at: keyLocation) }
    case .list(var elements):
      guard let index = Int(key), elements.indices.contains(index),
        let element = elements[index].setting(rest, to: value, keyLocation)
      else { return nil }
      elements[index] = element
      return replacing(.list(elements))
    case .boolean, .integer, .number, .path: return nil
    }
  }
}
