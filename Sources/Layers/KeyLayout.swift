package import Tensors

/// One of the ways in which checkpoints of a family name and lay out the same parameters.
package struct KeyLayout: Sendable {
  /// Program or site that writes it: `timm`, `hf`, `jax`, or the reference's name.
  package let name: String
  private let recognition: @Sendable (Set<String>) -> Bool
  private let source: @Sendable (String) -> [StoredPart]
  private let ignorance: @Sendable (String) -> Bool
  private let headship: @Sendable (String) -> Bool

  /// A layout.
  /// - Parameters:
  ///   - name: what it is called in messages and by `export --format`.
  ///   - recognizes: whether a checkpoint with these keys is of this layout.
  ///   - ignores: whether a key may be left over: a value that the model computes itself.
  ///   - heads: whether a key belongs to a task head, which a model need not have.
  ///   - parts: stored tensors that the parameter of a path is made of.
  package init(
    _ name: String, recognizes: @escaping @Sendable (Set<String>) -> Bool = { _ in true },
    ignores: @escaping @Sendable (_ key: String) -> Bool = { _ in false },
    heads: @escaping @Sendable (_ key: String) -> Bool = isUsualHead,
    parts: @escaping @Sendable (_ path: String) -> [StoredPart]
  ) {
    self.name = name
    recognition = recognizes
    source = parts
    ignorance = ignores
    headship = heads
  }

  /// Every parameter is stored whole under the key that `key` gives for its path.
  package init(
    _ name: String, recognizes: @escaping @Sendable (Set<String>) -> Bool = { _ in true },
    ignores: @escaping @Sendable (_ key: String) -> Bool = { _ in false },
    heads: @escaping @Sendable (_ key: String) -> Bool = isUsualHead,
    key: @escaping @Sendable (_ path: String) -> String
  ) {
    self.init(name, recognizes: recognizes, ignores: ignores, heads: heads) {
      [StoredPart(key($0))]
    }
  }

  /// Whether a key lies in a module of a name that programs give to task heads.
  package static let isUsualHead: @Sendable (_ key: String) -> Bool = { key in
    let first = key.prefix { $0 != "." && $0 != "/" }
    return ["head", "head_dist", "heads", "fc", "classifier"].contains(first)
  }

  package func recognizes(_ names: Set<String>) -> Bool { recognition(names) }

  package func ignores(_ key: String) -> Bool { ignorance(key) }

  package func isHead(_ key: String) -> Bool { headship(key) }

  /// Stored tensors that the parameter is made of, joined along the first axis or added.
  package func parts(of path: String) -> [StoredPart] { source(path) }

  /// The value of a parameter, from its stored tensors by key.
  ///
  /// - Throws: `KeyLayoutError` where stored shapes cannot be put together.
  package func value(
    of path: String, _ stored: (_ key: String) throws -> Tensor
  ) throws -> Tensor {
    var values: [Tensor] = []
    for part in parts(of: path) {
      let raw = try stored(part.key)
      if let rank = part.rank, raw.rank != rank {
        throw KeyLayoutError("\(part.key) has shape \(raw.shape), expected \(rank) axes")
      }
      let value = part.arranged.map { $0(raw) } ?? raw
      guard let last = values.last else {
        values.append(value)
        continue
      }
      let fits =
        part.isAdded
        ? value.shape == last.shape
        : !value.shape.isEmpty && value.shape.dropFirst() == last.shape.dropFirst()
      guard fits, value.dtype == last.dtype else {
        throw KeyLayoutError(
          "\(part.key) has shape \(value.shape), which does not go with \(last.shape) of "
            + "\(parts(of: path)[0].key)")
      }
      if part.isAdded {
        values[values.count - 1] = last + value
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
  /// Axes that a stored value must have to be arranged; nil for any.
  package let rank: Int?
  /// Whether it is added to the part before it, of the same shape, instead of following it.
  package let isAdded: Bool

  package init(
    _ key: String, isAdded: Bool = false, rank: Int? = nil,
    arranged: (@Sendable (Tensor) -> Tensor)? = nil
  ) {
    self.key = key
    self.rank = rank
    self.isAdded = isAdded
    self.arranged = arranged
  }
}

/// Stored tensors that cannot be put together to a parameter: a damaged or foreign file.
package struct KeyLayoutError: Error, Equatable, CustomStringConvertible {
  package var description: String

  init(_ description: String) { self.description = description }
}
