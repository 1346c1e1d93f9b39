/// A plain value from a pickle: what state dictionaries are made of.
package indirect enum PickleValue: Sendable, Equatable {
  case none
  case bool(Bool)
  case integer(Int)
  case float(Double)
  case text(String)
  case bytes([UInt8])
  case list([PickleValue])
  case tuple([PickleValue])
  /// Keys are unique and in the order of insertion.
  case dictionary([Entry])
  case tensor(StoredTensor)

  package struct Entry: Sendable, Equatable {
    package let key: PickleValue
    package let value: PickleValue
  }

  /// The value of a key of a dictionary.
  package subscript(key: String) -> PickleValue? {
    guard case .dictionary(let entries) = self else { return nil }
    return entries.first { $0.key == .text(key) }?.value
  }

  /// How the key appears in a path of keys, nil for other kinds.
  var pathComponent: String? {
    switch self {
    case .text(let key): key
    case .integer(let key): String(key)
    default: nil
    }
  }

  package var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  package var text: String? { if case .text(let value) = self { value } else { nil } }
}

/// The elements of one or more tensors of a PyTorch file.
struct StoredStorage: Sendable, Equatable {
  let type: StoredType
  /// Number of elements.
  let count: Int
}

/// A tensor of a PyTorch file: a strided view of a storage.
package struct StoredTensor: Sendable, Equatable {
  /// Name of the storage in its file.
  let key: String
  let storage: StoredStorage
  /// First element, and distances of neighbours, in elements.
  let offset: Int
  let shape: [Int]
  let strides: [Int]

  var type: StoredType { storage.type }

  /// Whether elements follow one another in row-major order.
  var isContiguous: Bool {
    var step = 1
    for (size, stride) in zip(shape, strides).reversed() {
      if size != 1, stride != step { return false }
      step *= size
    }
    return true
  }

  var elementCount: Int { shape.reduce(1, *) }
}
