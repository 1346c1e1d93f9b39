/// An element type of files, little-endian, that becomes single precision on reading.
enum StoredNumber: Sendable, Equatable {
  case u8, i8, u16, i16, u32, i32, u64, i64, f32, f64

  /// Nil for sizes that are not read here.
  init?(integerBytes: Int, isSigned: Bool) {
    switch (integerBytes, isSigned) {
    case (1, false): self = .u8
    case (1, true): self = .i8
    case (2, false): self = .u16
    case (2, true): self = .i16
    case (4, false): self = .u32
    case (4, true): self = .i32
    case (8, false): self = .u64
    case (8, true): self = .i64
    default: return nil
    }
  }

  /// Nil for sizes that are not read here.
  init?(floatBytes: Int) {
    switch floatBytes {
    case 4: self = .f32
    case 8: self = .f64
    default: return nil
    }
  }

  var byteCount: Int {
    switch self {
    case .u8, .i8: 1
    case .u16, .i16: 2
    case .u32, .i32, .f32: 4
    case .u64, .i64, .f64: 8
    }
  }

  /// Converts `count` elements that lie `stride` elements apart, from any address.
  func convert(
    _ source: UnsafeRawPointer, stride: Int, count: Int, to target: UnsafeMutablePointer<Float>
  ) {
    switch self {
    case .u8: gather(source, stride, count, target) { (value: UInt8) in Float(value) }
    case .i8: gather(source, stride, count, target) { (value: Int8) in Float(value) }
    case .u16: gather(source, stride, count, target) { (value: UInt16) in Float(value) }
    case .i16: gather(source, stride, count, target) { (value: Int16) in Float(value) }
    case .u32: gather(source, stride, count, target) { (value: UInt32) in Float(value) }
    case .i32: gather(source, stride, count, target) { (value: Int32) in Float(value) }
    case .u64: gather(source, stride, count, target) { (value: UInt64) in Float(value) }
    case .i64: gather(source, stride, count, target) { (value: Int64) in Float(value) }
    case .f32: gather(source, stride, count, target) { (value: Float) in value }
    case .f64: gather(source, stride, count, target) { (value: Double) in Float(value) }
    }
  }
}

/// One loop for each type, with the common stride apart, so that the compiler can use vectors.
@inline(__always)
private func gather<Number: BitwiseCopyable>(
  _ source: UnsafeRawPointer, _ stride: Int, _ count: Int, _ target: UnsafeMutablePointer<Float>,
  _ float: (Number) -> Float
) {
  let size = MemoryLayout<Number>.size
  if stride == 1 {
    for place in 0..<count {
      target[place] = float(source.loadUnaligned(fromByteOffset: place * size, as: Number.self))
    }
  } else {
    var from = source
    for place in 0..<count {
      target[place] = float(from.loadUnaligned(as: Number.self))
      from += stride * size
    }
  }
}
