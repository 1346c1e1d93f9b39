import Formats
package import Tensors

/// A PyTorch checkpoint (`torch.save`), read without executing anything.
///
/// As a tensor source it is the state dictionary in it: the entry of a known name, or the whole file,
/// whichever comes first and holds tensors. Aligned tensors with a storage of their own borrow the
/// mapped file.
package struct TorchCheckpoint: TensorSource {
  /// The whole content, such as `epoch`, `model_state_dict` and `optimizer_state_dict`.
  package var root: PickleValue { container.root }
  /// Key of the state dictionary, nil where the file is one itself.
  package let stateKey: String?
  package let names: [String]
  private let tensors: [String: StoredTensor]
  /// Tensors of the file by storage; shared ones are copied, so that each can be changed alone.
  private let users: [String: Int]
  private let container: any TorchContainer

  package var path: String { container.path }
  package var format: String { container.format }

  /// Averaged weights (`params_ema`) come before those they are averages of.
  private static let stateKeys = [
    "model_state_dict", "state_dict", "model", "params_ema", "params",
  ]

  init(_ container: any TorchContainer) {
    self.container = container
    let (stateKey, state) = Self.stateDictionary(of: container.root)
    self.stateKey = stateKey
    names = state.map(\.name)
    tensors = Dictionary(state.map { ($0.name, $0.tensor) }) { first, _ in first }
    users = Self.flattened(container.root).reduce(into: [:]) { $0[$1.tensor.key, default: 0] += 1 }
  }

  package func entry(_ name: String) -> TensorEntry? {
    tensors[name].map { TensorEntry(shape: $0.shape, type: $0.type) }
  }

  package func tensor(_ name: String) throws(CheckpointError) -> Tensor {
    guard let stored = tensors[name] else { throw missing(name) }
    return try tensor(stored, name: name)
  }

  /// Every tensor of the file under its keys joined by dots, list positions as numbers:
  /// `optimizer_state_dict.state.0.exp_avg`.
  package func flattened() -> [(name: String, tensor: StoredTensor)] { Self.flattened(root) }

  /// The elements of a tensor of this file in row-major order.
  package func tensor(_ stored: StoredTensor, name: String) throws(CheckpointError) -> Tensor {
    let tensor = try container.withStorage(of: stored, name: name) { bytes, owner -> Tensor? in
      if let owner, let borrowed = borrow(stored, from: bytes, owner) { return borrowed }
      return Self.copy(stored, from: bytes)
    }
    guard let tensor else {
      throw .unsupportedType(path: path, tensor: name, type: stored.type.rawValue)
    }
    return tensor
  }

  private func borrow(
    _ stored: StoredTensor, from bytes: UnsafeRawBufferPointer, _ owner: MappedFile
  ) -> Tensor? {
    guard users[stored.key] == 1, stored.isContiguous, stored.elementCount > 0,
      stored.type.isStoredAsRead, let type = stored.type.tensorType, let base = bytes.baseAddress
    else { return nil }
    let start = UnsafeMutableRawPointer(mutating: base + stored.offset * type.byteCount)
    guard Int(bitPattern: start) % type.byteCount == 0 else { return nil }
    let storage = Storage(
      borrowing: start, byteCount: stored.elementCount * type.byteCount, owner: owner)
    return Tensor(shape: stored.shape, dtype: type, storage: storage)
  }

  private static func copy(_ stored: StoredTensor, from bytes: UnsafeRawBufferPointer) -> Tensor? {
    let elementSize = stored.type.bitCount / 8
    let count = stored.elementCount
    guard count > 0 else {
      return stored.type.tensor(copying: .init(start: nil, count: 0), shape: stored.shape)
    }
    if stored.isContiguous {
      let start = stored.offset * elementSize
      let part = bytes[start..<start + count * elementSize]
      return stored.type.tensor(copying: .init(rebasing: part), shape: stored.shape)
    }
    var index = stored.shape.map { _ in 0 }
    var dense: [UInt8] = []
    dense.reserveCapacity(count * elementSize)
    for _ in 0..<count {
      let position = zip(index, stored.strides).reduce(stored.offset) { $0 + $1.0 * $1.1 }
      dense += bytes[position * elementSize..<(position + 1) * elementSize]
      for axis in index.indices.reversed() {
        index[axis] += 1
        if index[axis] < stored.shape[axis] { break }
        index[axis] = 0
      }
    }
    return dense.withUnsafeBytes { stored.type.tensor(copying: $0, shape: stored.shape) }
  }

  private static func stateDictionary(
    of root: PickleValue
  ) -> (key: String?, tensors: [(name: String, tensor: StoredTensor)]) {
    for key in stateKeys {
      guard let state = root[key] else { continue }
      let tensors = flattened(state)
      if !tensors.isEmpty { return (key, tensors) }
    }
    return (nil, flattened(root))
  }

  private static func flattened(
    _ value: PickleValue, below path: String = ""
  ) -> [(name: String, tensor: StoredTensor)] {
    func named(_ key: String, _ value: PickleValue) -> [(name: String, tensor: StoredTensor)] {
      flattened(value, below: path.isEmpty ? key : path + "." + key)
    }
    return switch value {
    case .tensor(let tensor): [(path, tensor)]
    case .dictionary(let entries):
      entries.flatMap { entry in entry.key.pathComponent.map { named($0, entry.value) } ?? [] }
    case .list(let values), .tuple(let values):
      values.enumerated().flatMap { named(String($0.offset), $0.element) }
    default: []
    }
  }
}
