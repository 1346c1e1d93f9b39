/// A dense row-major array with an element type, and optionally a place on the tape.
///
/// Tensors are values: operations return new ones and never change their operands. A tensor with a
/// `node` takes part in differentiation; see `gradients(of:)`.
public struct Tensor: Sendable {
  /// Sizes of the axes, outermost first; empty for a scalar.
  public let shape: [Int]
  /// Type of the elements.
  public let dtype: DType
  package let storage: Storage
  /// Offset of the first element in `storage`, in bytes.
  package let byteOffset: Int
  let node: Node?

  package init(shape: [Int], dtype: DType, storage: Storage, byteOffset: Int = 0) {
    self.init(shape: shape, dtype: dtype, storage: storage, byteOffset: byteOffset, node: nil)
  }

  init(shape: [Int], dtype: DType, storage: Storage, byteOffset: Int, node: Node?) {
    self.shape = shape
    self.dtype = dtype
    self.storage = storage
    self.byteOffset = byteOffset
    self.node = node
    precondition(
      byteOffset + elementCount * dtype.byteCount <= storage.byteCount,
      "tensor of shape \(shape) does not fit its storage of \(storage.byteCount) bytes")
  }

  /// Memory of the given shape whose content is undefined until written.
  package init(uninitialized shape: [Int], dtype: DType = .f32) {
    let count = shape.reduce(1, *)
    self.init(
      shape: shape, dtype: dtype, storage: Storage(byteCount: max(1, count * dtype.byteCount)))
  }

  /// All elements zero.
  public init(zeros shape: [Int], dtype: DType = .f32) {
    self.init(uninitialized: shape, dtype: dtype)
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }

  /// Elements in row-major order; the count must be the product of `shape`.
  public init<Element: TensorElement>(_ values: [Element], shape: [Int]) {
    self.init(uninitialized: shape, dtype: Element.dtype)
    precondition(
      values.count == elementCount, "\(values.count) values for a tensor of shape \(shape)")
    values.withUnsafeBytes { source in
      if let base = source.baseAddress { pointer.copyMemory(from: base, byteCount: byteCount) }
    }
  }

  /// A scalar.
  public init<Element: TensorElement>(_ value: Element) { self.init([value], shape: []) }

  /// Number of elements.
  public var elementCount: Int { shape.reduce(1, *) }
  /// Number of axes.
  public var rank: Int { shape.count }
  /// Size in memory.
  package var byteCount: Int { elementCount * dtype.byteCount }
  /// First element, valid while the tensor lives.
  package var pointer: UnsafeMutableRawPointer { storage.pointer + byteOffset }

  /// Calls `body` with the elements in row-major order, without copying.
  public func withElements<Element: TensorElement, Result>(
    of type: Element.Type = Element.self, _ body: (UnsafeBufferPointer<Element>) throws -> Result
  ) rethrows -> Result {
    precondition(type.dtype == dtype, "tensor holds \(dtype), asked for \(type.dtype)")
    return try withExtendedLifetime(storage) {
      try body(
        UnsafeBufferPointer(
          start: UnsafePointer(pointer.assumingMemoryBound(to: type)), count: elementCount))
    }
  }

  /// Elements of a tensor that no other holder reads yet, for filling it in place.
  package func withMutableElements<Element: TensorElement, Result>(
    of type: Element.Type = Element.self,
    _ body: (UnsafeMutableBufferPointer<Element>) throws -> Result
  ) rethrows -> Result {
    precondition(type.dtype == dtype, "tensor holds \(dtype), asked for \(type.dtype)")
    return try withExtendedLifetime(storage) {
      try body(
        UnsafeMutableBufferPointer(
          start: pointer.assumingMemoryBound(to: type), count: elementCount))
    }
  }

  /// A copy of the elements in row-major order.
  public func elements<Element: TensorElement>(as type: Element.Type = Element.self) -> [Element] {
    withElements(of: type) { Array($0) }
  }

  /// The same values outside the tape: no gradient flows through.
  public func detached() -> Tensor {
    Tensor(shape: shape, dtype: dtype, storage: storage, byteOffset: byteOffset, node: nil)
  }

  /// Whether some trainable value lies below this one.
  package var isTracked: Bool { node != nil }

  func with(node: Node?) -> Tensor {
    Tensor(shape: shape, dtype: dtype, storage: storage, byteOffset: byteOffset, node: node)
  }
}

/// A Swift type that a tensor's element type corresponds to.
public protocol TensorElement: Sendable {
  /// The corresponding element type.
  static var dtype: DType { get }
}

extension Float: TensorElement {
  /// f32.
  public static let dtype = DType.f32
}

extension Double: TensorElement {
  /// f64.
  public static let dtype = DType.f64
}

extension Int32: TensorElement {
  /// i32.
  public static let dtype = DType.i32
}

extension Int64: TensorElement {
  /// i64.
  public static let dtype = DType.i64
}

extension UInt8: TensorElement {
  /// u8.
  public static let dtype = DType.u8
}
