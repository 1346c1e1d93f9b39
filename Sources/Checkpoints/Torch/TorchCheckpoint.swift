import Formats
package import Tensors

/// A PyTorch checkpoint in the zip format (`torch.save` since 1.6), read without executing anything.
///
/// As a tensor source it is the state dictionary in it: `model_state_dict`, `state_dict`, `model`,
/// or the whole file, whichever comes first and holds tensors.
package final class TorchCheckpoint: TensorSource {
  package let path: String
  /// The whole content, such as `epoch`, `model_state_dict` and `optimizer_state_dict`.
  package let root: PickleValue
  /// Key of the state dictionary, nil where the file is one itself.
  package let stateKey: String?
  package let names: [String]
  private let tensors: [String: StoredTensor]
  private let archive: ZipFile
  private let folder: String

  private static let stateKeys = ["model_state_dict", "state_dict", "model"]
  private static let format = "PyTorch checkpoint"

  /// Opens `path`.
  ///
  /// - Throws: `CheckpointError.file`, or `.refusedObject` where the pickle wants more than tensors
  ///   and plain containers.
  package convenience init(path: String) throws(CheckpointError) {
    try self.init(try reportingFiles { () throws(FormatError) in try ZipFile(path: path) })
  }

  /// A checkpoint from its archive.
  init(_ archive: ZipFile) throws(CheckpointError) {
    path = archive.path
    let path = archive.path
    let pickles = archive.entries.filter { $0.name.hasSuffix("/data.pkl") }
    guard let pickle = pickles.first, pickles.count == 1 else {
      throw .malformed(path, Self.format, "the archive has \(pickles.count) entries data.pkl")
    }
    let folder = String(pickle.name.dropLast("data.pkl".count))
    let (content, byteOrder) = try reportingFiles { () throws(FormatError) in
      let order = archive[folder + "byteorder"]
      return (
        try archive.content(of: pickle),
        try order.map { (entry) throws(FormatError) in try archive.content(of: entry) }
      )
    }
    if let byteOrder, byteOrder != Array("little".utf8) {
      throw .file(
        .unsupported(
          path: path, what: "a big-endian checkpoint", remedy: "Save it on another machine."))
    }
    do {
      root = try RestrictedPickle.load(content)
    } catch {
      switch error {
      case .refused(let name): throw .refusedObject(path: path, name: name)
      case .malformed(let position, let reason):
        throw .malformed(path, Self.format, "data.pkl, byte \(position): \(reason)")
      }
    }
    self.archive = archive
    self.folder = folder
    let (stateKey, state) = Self.stateDictionary(of: root)
    self.stateKey = stateKey
    names = state.map(\.name)
    tensors = Dictionary(state.map { ($0.name, $0.tensor) }) { first, _ in first }
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
    guard let entry = archive[folder + "data/" + stored.storage] else {
      throw .malformed(path, Self.format, "storage '\(stored.storage)' of '\(name)' is missing")
    }
    let elementSize = stored.type.bitCount / 8
    let (byteCount, overflow) = stored.storageCount.multipliedReportingOverflow(by: elementSize)
    guard !overflow, byteCount == entry.size else {
      throw .malformed(
        path, Self.format,
        "storage '\(stored.storage)' of '\(name)' has \(entry.size) bytes, "
          + "expected \(stored.storageCount) elements of \(elementSize)")
    }
    let tensor = try reportingFiles { () throws(FormatError) in
      try archive.withContent(of: entry) { Self.copy(stored, from: $0, elementSize) }
    }
    guard let tensor else {
      throw .unsupportedType(path: path, tensor: name, type: stored.type.rawValue)
    }
    return tensor
  }

  private static func copy(
    _ stored: StoredTensor, from bytes: UnsafeRawBufferPointer, _ elementSize: Int
  ) -> Tensor? {
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
