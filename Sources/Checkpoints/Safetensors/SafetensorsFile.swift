import Formats
package import Tensors

/// A safetensors file: checked as a whole when opened, read tensor by tensor.
///
/// Aligned tensors of the types that tensors have are handed out without copying: they borrow the
/// mapped file, which lives as long as they do.
package final class SafetensorsFile: TensorSource {
  package let path: String
  package let format = "safetensors"
  package let names: [String]
  /// Texts of `__metadata__`.
  package let metadata: [String: String]
  private let entries: [String: SafetensorsHeader.Entry]
  private let file: MappedFile

  /// Opens `path`.
  ///
  /// - Throws: `CheckpointError.file` where it is missing or breaks a rule of the format.
  package init(path: String) throws(CheckpointError) {
    self.path = path
    let file = try reportingFiles { () throws(FormatError) in try MappedFile(path: path) }
    let header = try file.withBytes(in: 0..<file.bytes.count) { (bytes) throws(CheckpointError) in
      try SafetensorsHeader(bytes, path: path)
    }
    names = header.names
    metadata = header.metadata
    entries = header.entries
    self.file = file
  }

  package func entry(_ name: String) -> TensorEntry? { entries[name]?.tensor }

  package func tensor(_ name: String) throws(CheckpointError) -> Tensor {
    guard let entry = entries[name] else { throw missing(name) }
    let bytes = UnsafeMutableRawBufferPointer(rebasing: file.bytes[entry.range])
    if let type = entry.tensor.type.tensorType, entry.tensor.type.isStoredAsRead,
      let base = bytes.baseAddress, !bytes.isEmpty,
      Int(bitPattern: base) % type.byteCount == 0
    {
      let storage = Storage(borrowing: base, byteCount: bytes.count, owner: file)
      return Tensor(shape: entry.tensor.shape, dtype: type, storage: storage)
    }
    let copy = entry.tensor.type.tensor(
      copying: UnsafeRawBufferPointer(bytes), shape: entry.tensor.shape)
    guard let copy else {
      throw .unsupportedType(path: path, tensor: name, type: entry.tensor.type.rawValue)
    }
    return copy
  }
}
