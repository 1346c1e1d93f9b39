package import Tensors

/// Shape and stored type of one tensor.
package struct TensorEntry: Sendable, Equatable {
  package let shape: [Int]
  package let type: StoredType

  package init(shape: [Int], type: StoredType) {
    self.shape = shape
    self.type = type
  }
}

/// Named tensors that are read when asked for.
package protocol TensorSource: Sendable {
  /// File or folder that the tensors come from.
  var path: String { get }
  /// What kind of file it is, in words.
  var format: String { get }
  /// All names, in the order of the file.
  var names: [String] { get }
  /// Texts that the file holds besides, such as safetensors' `__metadata__`.
  var metadata: [String: String] { get }
  /// All files that the tensors lie in, an index first.
  var files: [String] { get }
  /// Description of a tensor, or nil if there is none of that name.
  func entry(_ name: String) -> TensorEntry?
  /// The tensor of that name: floating types as `f32` (F64 as `f64`), integers by
  /// `StoredType.tensorType`.
  ///
  /// - Throws: `CheckpointError.tensorMissing`, `.unsupportedType`, or `.file` if it is damaged.
  func tensor(_ name: String) throws(CheckpointError) -> Tensor
}

extension TensorSource {
  /// The error for a name that is not there.
  func missing(_ name: String) -> CheckpointError {
    .tensorMissing(path: path, name: name, available: names)
  }

  /// No texts.
  package var metadata: [String: String] { [:] }

  /// The file at `path`.
  package var files: [String] { [path] }

  /// The same tensors without `prefix`, if every name begins with it; else unchanged.
  ///
  /// Data-parallel training writes `module.` before all names.
  package func strippingCommonPrefix(_ prefix: String) -> any TensorSource {
    guard !names.isEmpty, names.allSatisfy({ $0.hasPrefix(prefix) }) else { return self }
    return selecting(prefix: prefix)
  }

  /// The tensors whose names begin with `prefix`, without it.
  package func selecting(prefix: String) -> any TensorSource {
    RenamedSource(base: self) { $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : nil }
  }

  /// Refuses a checkpoint with a weight that is infinite or not a number.
  ///
  /// - Throws: `CheckpointError.notFinite` with the first one.
  package func requireFinite() throws(CheckpointError) {
    for name in names {
      let tensor = try tensor(name)
      guard !tensor.isFinite else { continue }
      let position =
        tensor.dtype == .f32
        ? tensor.withElements(of: Float.self) { $0.firstIndex { !$0.isFinite } }
        : tensor.withElements(of: Double.self) { $0.firstIndex { !$0.isFinite } }
      throw .notFinite(path: path, tensor: name, position: position ?? 0)
    }
  }
}

/// Some or all tensors of a source under other names; the renaming keeps them distinct.
struct RenamedSource: TensorSource {
  let names: [String]
  private let base: any TensorSource
  private let original: [String: String]

  /// `renamed` gives nil for what is left out.
  init(base: any TensorSource, _ renamed: (String) -> String?) {
    self.base = base
    let pairs = base.names.compactMap { name in renamed(name).map { ($0, name) } }
    names = pairs.map(\.0)
    original = Dictionary(uniqueKeysWithValues: pairs)
  }

  var path: String { base.path }
  var format: String { base.format }
  var metadata: [String: String] { base.metadata }
  var files: [String] { base.files }

  func entry(_ name: String) -> TensorEntry? { original[name].flatMap { base.entry($0) } }

  func tensor(_ name: String) throws(CheckpointError) -> Tensor {
    guard let original = original[name] else { throw missing(name) }
    return try base.tensor(original)
  }
}
