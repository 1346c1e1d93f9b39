internal import CKernels

extension Tensor {
  /// All elements `value`.
  public init(filledWith value: Double, shape: [Int], dtype: DType = .f32) {
    self.init(uninitialized: shape, dtype: dtype)
    switch dtype {
    case .f32: withMutableElements(of: Float.self) { $0.update(repeating: Float(value)) }
    case .f64: withMutableElements(of: Double.self) { $0.update(repeating: value) }
    default: preconditionFailure("a tensor of \(dtype) is not filled by a number")
    }
  }

  /// Element-wise sum; `right` may lack leading axes and is then repeated along them.
  public static func + (left: Tensor, right: Tensor) -> Tensor {
    let result = combine(
      left, right, same: kernels(left.dtype).add, row: kernels(left.dtype).add_row)
    let rightShape = right.shape
    return result.recorded(from: [left, right]) { gradient in
      [gradient, gradient.summedOverLeadingAxes(to: rightShape)]
    }
  }

  /// Element-wise difference of tensors of one shape.
  public static func - (left: Tensor, right: Tensor) -> Tensor {
    precondition(left.shape == right.shape, "difference of \(left.shape) and \(right.shape)")
    let result = Tensor(uninitialized: left.shape, dtype: left.dtype)
    kernels(left.dtype).subtract(left.pointer, right.pointer, result.pointer, left.elementCount)
    return result.recorded(from: [left, right]) { gradient in
      [gradient, gradient.scaled(by: -1)]
    }
  }

  /// Element-wise product; `right` may lack leading axes and is then repeated along them.
  public static func * (left: Tensor, right: Tensor) -> Tensor {
    let table = kernels(left.dtype)
    let result = combine(left, right, same: table.multiply, row: table.multiply_row)
    let (a, b) = (left.detached(), right.detached())
    let (needsLeft, needsRight) = (left.isTracked, right.isTracked)
    return result.recorded(from: [left, right]) { gradient in
      [
        needsLeft ? gradient * b : nil,
        needsRight ? (gradient * a).summedOverLeadingAxes(to: b.shape) : nil,
      ]
    }
  }

  /// The tensor times a number.
  public func scaled(by factor: Double) -> Tensor {
    guard factor != 1 else { return self }
    let result = Tensor(uninitialized: shape, dtype: dtype)
    kernels(dtype).scale(pointer, factor, result.pointer, elementCount)
    return result.recorded(from: [self]) { [$0.scaled(by: factor)] }
  }

  private typealias SameShape =
    @convention(c) (
      UnsafeRawPointer?, UnsafeRawPointer?, UnsafeMutableRawPointer?, Int
    ) -> Void
  private typealias RowWise =
    @convention(c) (
      UnsafeRawPointer?, UnsafeRawPointer?, UnsafeMutableRawPointer?, Int, Int
    ) -> Void

  private static func combine(_ left: Tensor, _ right: Tensor, same: SameShape, row: RowWise)
    -> Tensor
  {
    precondition(left.dtype == right.dtype, "\(left.dtype) with \(right.dtype)")
    precondition(
      left.shape.suffix(right.rank) == right.shape[...],
      "shape \(right.shape) is no suffix of \(left.shape)")
    let result = Tensor(uninitialized: left.shape, dtype: left.dtype)
    if left.rank == right.rank {
      same(left.pointer, right.pointer, result.pointer, left.elementCount)
    } else {
      let columns = right.elementCount
      row(
        left.pointer, right.pointer, result.pointer, left.elementCount / max(1, columns), columns)
    }
    return result
  }

  /// The sum over the leading axes that `target`, a suffix of this shape, lacks.
  func summedOverLeadingAxes(to target: [Int]) -> Tensor {
    guard target.count < rank else { return self }
    let result = Tensor(zeros: target, dtype: dtype)
    let columns = result.elementCount
    kernels(dtype).sum_rows(pointer, result.pointer, elementCount / max(1, columns), columns)
    return result
  }
}
