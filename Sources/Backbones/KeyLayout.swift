package import Tensors

/// One of the ways in which checkpoints of a family name and lay out the same parameters.
package struct KeyLayout: Sendable {
  /// Program or site that writes it: `timm`, `hf`, `jax`, or the reference's name.
  package let name: String
  private let recognition: @Sendable (Set<String>) -> Bool
  private let source: @Sendable (String) -> [StoredPart]
  private let ignorance: @Sendable (String) -> Bool

  /// A layout.
  /// - Parameters:
  ///   - name: what it is called in messages and by `export --format`.
  ///   - recognizes: whether a checkpoint with these keys is of this layout.
  ///   - ignores: whether a key may be left over: a value that the model computes itself.
  ///   - parts: stored tensors that the parameter of a path is made of.
  package init(
    _ name: String, recognizes: @escaping @Sendable (Set<String>) -> Bool = { _ in true },
    ignores: @escaping @Sendable (_ key: String) -> Bool = { _ in false },
    parts: @escaping @Sendable (_ path: String) -> [StoredPart]
  ) {
    self.name = name
    recognition = recognizes
    source = parts
    ignorance = ignores
  }

  /// Every parameter is stored whole under the key that `key` gives for its path.
  package init(
    _ name: String, recognizes: @escaping @Sendable (Set<String>) -> Bool = { _ in true },
    ignores: @escaping @Sendable (_ key: String) -> Bool = { _ in false },
    key: @escaping @Sendable (_ path: String) -> String
  ) {
    self.init(name, recognizes: recognizes, ignores: ignores) { [StoredPart(key($0))] }
  }

  package func recognizes(_ names: Set<String>) -> Bool { recognition(names) }

  package func ignores(_ key: String) -> Bool { ignorance(key) }

  /// Stored tensors that the parameter is made of, joined along the first axis or added.
  package func parts(of path: String) -> [StoredPart] { source(path) }

  /// The value of a parameter, from its stored tensors by key.
  package func value(
    of path: String, _ stored: (_ key: String) throws -> Tensor
  ) rethrows -> Tensor {
    var values: [Tensor] = []
    for part in parts(of: path) {
      let raw = try stored(part.key)
      let value = part.arranged.map { $0(raw) } ?? raw
      if part.isAdded, let last = values.popLast() {
        values.append(last + value)
      } else {
        values.append(value)
      }
    }
    return values.count == 1 ? values[0] : .concatenated(values, axis: 0)
  }

  /// The key of a parameter that is stored whole, else of its first part.
  package func key(of path: String) -> String { source(path).first?.key ?? path }
}

/// A stored tensor that is a parameter, or some rows of one.
package struct StoredPart: Sendable {
  package let key: String
  /// How the stored value becomes the parameter's, nil where it is stored as it is.
  package let arranged: (@Sendable (Tensor) -> Tensor)?
  /// Whether it is added to the part before it, of the same shape, instead of following it.
  package let isAdded: Bool

  package init(
    _ key: String, isAdded: Bool = false, arranged: (@Sendable (Tensor) -> Tensor)? = nil
  ) {
    self.key = key
    self.isAdded = isAdded
    self.arranged = arranged
  }
}
