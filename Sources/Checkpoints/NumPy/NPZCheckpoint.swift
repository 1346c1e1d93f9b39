import Formats
package import Tensors

/// Arrays of an `.npz` file as tensors, such as the original ViT checkpoints of JAX.
///
/// Names are those of the archive without `.npy`: `Transformer/encoderblock_0/LayerNorm_0/bias`.
package struct NPZCheckpoint: TensorSource {
  package let names: [String]
  private let file: NPZFile
  private let members: [String: NPZFile.Member]

  /// The arrays of an archive that holds nothing else.
  ///
  /// - Throws: `CheckpointError.file` with the member that is no array of numbers.
  init(_ archive: ZipFile) throws(CheckpointError) {
    let file = try reportingFiles { () throws(FormatError) in try NPZFile(archive) }
    self.file = file
    names = file.members.map(\.name)
    members = Dictionary(uniqueKeysWithValues: file.members.map { ($0.name, $0) })
  }

  package var path: String { file.path }
  package var format: String { "npz" }

  package func entry(_ name: String) -> TensorEntry? {
    members[name].map { TensorEntry(shape: $0.shape, type: StoredType($0.elementType)) }
  }

  package func tensor(_ name: String) throws(CheckpointError) -> Tensor {
    guard let member = members[name] else { throw missing(name) }
    let type = StoredType(member.elementType)
    // Column-major elements are row-major ones of the transposed array.
    let shape = member.isFortranOrder ? member.shape.reversed() : member.shape
    let tensor = try reportingFiles { () throws(FormatError) in
      try file.withData(of: member) { type.tensor(copying: $0, shape: shape) }
    }
    guard let tensor else {
      throw .unsupportedType(path: path, tensor: name, type: type.rawValue)
    }
    return member.isFortranOrder ? tensor.permuted(shape.indices.reversed()) : tensor
  }
}

extension StoredType {
  init(_ type: NPYFile.ElementType) {
    self =
      switch type {
      case .f2: .f16
      case .f4: .f32
      case .f8: .f64
      case .i1: .i8
      case .i2: .i16
      case .i4: .i32
      case .i8: .i64
      case .u1: .u8
      case .u2: .u16
      case .u4: .u32
      case .u8: .u64
      case .b1: .bool
      }
  }
}
