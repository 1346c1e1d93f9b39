/// The element type of a tensor.
///
/// Numerics run in `f32`; `f64` is the same code in double precision (gradient checks, solvers);
/// `bf16` is a storage type for frozen weights; integers hold labels and indices.
public enum DType: String, Sendable, Hashable, CaseIterable {
  case f32, f64, bf16, i32, i64, u8

  /// Bytes of one element.
  public var byteCount: Int {
    switch self {
    case .f64, .i64: 8
    case .f32, .i32: 4
    case .bf16: 2
    case .u8: 1
    }
  }

  /// Whether gradients and arithmetic are defined for the type.
  public var isFloatingPoint: Bool { self == .f32 || self == .f64 }
}
