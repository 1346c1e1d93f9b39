import Yams

/// Reads YAML text into located values.
///
/// Duplicate keys, merge keys and tags are errors; aliases are expanded up to a limit, so that a
/// small text cannot grow without bound.
package struct YAMLReader {
  /// Most values of one text, aliases expanded.
  package static let valueLimit = 100_000
  /// Most levels of maps and lists in one another.
  package static let depthLimit = 64

  private let source: String
  private let directory: String
  private let diagnostics: Diagnostics
  private var values = 0

  /// Reads the root of the text.
  ///
  /// - Parameters:
  ///   - text: One YAML document.
  ///   - source: The file's name in messages.
  ///   - directory: The folder to which relative paths in the text belong.
  ///   - diagnostics: Takes the errors.
  /// - Returns: The root, or nil after recording why there is none.
  package static func read(
    _ text: String, source: String, directory: String, diagnostics: Diagnostics
  ) -> Located? {
    var reader = YAMLReader(source: source, directory: directory, diagnostics: diagnostics)
    do {
      guard let node = try compose(yaml: text) else {
        return Located(.null, at: reader.location(of: nil))
      }
      return reader.located(node, path: "", depth: 0)
    } catch let error as YamlError {
      reader.record(error)
    } catch {
      reader.record(.syntax("\(error)"), at: nil, path: "")
    }
    return nil
  }

  private init(source: String, directory: String, diagnostics: Diagnostics) {
    self.source = source
    self.directory = directory
    self.diagnostics = diagnostics
  }

  private func location(of mark: Mark?) -> SourceLocation {
    SourceLocation(
      source: source, line: mark?.line ?? 1, column: mark?.column ?? 1, directory: directory)
  }

  private func record(_ problem: Problem, at mark: Mark?, path: String) {
    diagnostics.error(problem, at: location(of: mark), path: path)
  }

  private func record(_ error: YamlError) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      record(.syntax(problem), at: mark, path: "")
    case .duplicatedKeysInMapping(let keys, let context):
      for key in keys {
        record(.duplicateKey(first: nil), at: context.mark, path: key)
      }
    case .reader(let problem, _, _, _): record(.syntax(problem), at: nil, path: "")
    default: record(.syntax("\(error)"), at: nil, path: "")
    }
  }

  /// Nil once a limit is passed or a part is refused, with the error recorded.
  private mutating func located(_ node: Node, path: String, depth: Int) -> Located? {
    values += 1
    guard values <= Self.valueLimit else {
      if values == Self.valueLimit + 1 {
        record(.tooManyValues(limit: Self.valueLimit), at: node.mark, path: "")
      }
      return nil
    }
    guard depth <= Self.depthLimit else {
      record(.tooDeep(limit: Self.depthLimit), at: node.mark, path: path)
      return nil
    }
    switch node {
    case .scalar(let scalar): return located(scalar, path: path)
    case .sequence(let sequence):
      guard accepts(sequence.tag, beside: .seq, at: node.mark, path: path) else { return nil }
      var elements: [Located] = []
      for (index, element) in sequence.enumerated() {
        let elementPath = DottedPath.joining(path, String(index))
        guard let element = located(element, path: elementPath, depth: depth + 1) else {
          return nil
        }
        elements.append(element)
      }
      return Located(.list(elements), at: location(of: node.mark), path: path)
    case .mapping(let mapping):
      guard accepts(mapping.tag, beside: .map, at: node.mark, path: path) else { return nil }
      return located(mapping, path: path, depth: depth)
    case .alias:
      record(.syntax("an alias without its anchor"), at: node.mark, path: path)
      return nil
    }
  }

  private mutating func located(_ mapping: Node.Mapping, path: String, depth: Int) -> Located? {
    var entries: [Located.Entry] = []
    for (keyNode, valueNode) in mapping {
      guard let key = keyNode.scalar?.string else {
        record(.syntax("a key must be a single word or number"), at: keyNode.mark, path: path)
        return nil
      }
      let keyPath = DottedPath.joining(path, key)
      guard key != "<<" else {
        record(.mergeKey, at: keyNode.mark, path: path)
        return nil
      }
      if let first = entries.first(where: { $0.key == key }) {
        record(.duplicateKey(first: first.keyLocation), at: keyNode.mark, path: keyPath)
        continue
      }
      guard let value = located(valueNode, path: keyPath, depth: depth + 1) else { return nil }
      entries.append(.init(key: key, keyLocation: location(of: keyNode.mark), value: value))
    }
    return Located(.map(entries), at: location(of: mapping.mark), path: path)
  }

  private func located(_ scalar: Node.Scalar, path: String) -> Located? {
    guard accepts(scalar.tag, beside: .str, at: scalar.mark, path: path) else { return nil }
    let isPlain = scalar.style == .plain && scalar.tag == .implicit
    let value = isPlain ? CoreScalar.value(of: scalar.string) : .text(scalar.string)
    return Located(plain: value, at: location(of: scalar.mark), path: path)
  }

  private func accepts(_ tag: Tag, beside name: Tag.Name, at mark: Mark?, path: String) -> Bool {
    if tag == .implicit || tag == Tag(name) { return true }
    record(.unsupportedTag("\(tag)"), at: mark, path: path)
    return false
  }
}
