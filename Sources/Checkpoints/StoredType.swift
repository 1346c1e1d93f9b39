package import Tensors

/// The element type of a stored tensor, by the name that safetensors gives it.
package enum StoredType: String, Sendable, CaseIterable {
  case bool = "BOOL"
  case f4 = "F4"
  case f6e2m3 = "F6_E2M3"
  case f6e3m2 = "F6_E3M2"
  case u8 = "U8"
  case i8 = "I8"
  case f8e5m2 = "F8_E5M2"
  case f8e4m3 = "F8_E4M3"
  case f8e8m0 = "F8_E8M0"
  case i16 = "I16"
  case u16 = "U16"
  case f16 = "F16"
  case bf16 = "BF16"
  case i32 = "I32"
  case u32 = "U32"
  case f32 = "F32"
  case c64 = "C64"
  case f64 = "F64"
  case i64 = "I64"
  case u64 = "U64"

  /// Bits of one element.
  package var bitCount: Int {
    switch self {
    case .f4: 4
    case .f6e2m3, .f6e3m2: 6
    case .bool, .u8, .i8, .f8e5m2, .f8e4m3, .f8e8m0: 8
    case .i16, .u16, .f16, .bf16: 16
    case .i32, .u32, .f32: 32
    case .c64, .f64, .i64, .u64: 64
    }
  }

  /// Type of the tensor that it is read into, nil for what is not read.
  ///
  /// 16-bit floats become `f32`, narrow integers `i32`, unsigned 32 bits `i64`.
  package var tensorType: DType? {
    switch self {
    case .f64: .f64
    case .f32, .f16, .bf16: .f32
    case .i64, .u64, .u32: .i64
    case .i32, .i16, .i8, .u16: .i32
    case .u8, .bool: .u8
    case .f4, .f6e2m3, .f6e3m2, .f8e5m2, .f8e4m3, .f8e8m0, .c64: nil
    }
  }

  /// The type under which a tensor is written.
  init(_ type: DType) {
    self =
      switch type {
      case .f32: .f32
      case .f64: .f64
      case .bf16: .bf16
      case .i32: .i32
      case .i64: .i64
      case .u8: .u8
      }
  }

  /// Whether stored bytes are those of the tensor.
  var isStoredAsRead: Bool { tensorType.map { StoredType($0) == self } ?? false }

  /// A tensor with the elements in `bytes`, which need not be aligned; nil for types that are not
  /// read, and for unsigned numbers beyond 63 bits.
  func tensor(copying bytes: UnsafeRawBufferPointer, shape: [Int]) -> Tensor? {
    guard let type = tensorType else { return nil }
    let result = Tensor(uninitialized: shape, dtype: type)
    func convert<Stored: BitwiseCopyable, Element: TensorElement>(
      _ stored: Stored.Type, _ element: (Stored) -> Element
    ) {
      result.withMutableElements(of: Element.self) { target in
        for position in target.indices {
          target[position] = element(
            bytes.loadUnaligned(
              fromByteOffset: position * MemoryLayout<Stored>.stride, as: stored))
        }
      }
    }
    switch self {
    case .f16: convert(Float16.self) { Float($0) }
    case .bf16: convert(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case .i8: convert(Int8.self) { Int32($0) }
    case .i16: convert(Int16.self) { Int32($0) }
    case .u16: convert(UInt16.self) { Int32($0) }
    case .u32: convert(UInt32.self) { Int64($0) }
    case .u64:
      convert(UInt64.self) { Int64(bitPattern: $0) }
      let isInRange = result.withElements(of: Int64.self) { $0.allSatisfy { $0 >= 0 } }
      guard isInRange else { return nil }
    default:
      if let base = bytes.baseAddress, !bytes.isEmpty {
        result.pointer.copyMemory(from: base, byteCount: result.byteCount)
      }
    }
    return result
  }
}
