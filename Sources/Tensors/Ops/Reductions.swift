internal import CKernels

extension Tensor {
  /// Sum of all elements, a scalar; added up in double precision.
  public func sum() -> Tensor {
    var total = 0.0
    kernels(dtype).sum(pointer, elementCount, &total)
    let (shape, dtype) = (shape, dtype)
    return Tensor(filledWith: total, shape: [], dtype: dtype).recorded(from: [self]) { gradient in
      [Tensor(filledWith: gradient.scalar, shape: shape, dtype: dtype)]
    }
  }

  /// Mean of all elements, a scalar.
  public func mean() -> Tensor { sum().scaled(by: 1 / Double(max(1, elementCount))) }

  /// The only element, as a Double.
  public var scalar: Double {
    precondition(elementCount == 1, "a tensor of shape \(shape) is no scalar")
    switch dtype {
    case .f32: return Double(elements(as: Float.self)[0])
    case .f64: return elements(as: Double.self)[0]
    default: preconditionFailure("a tensor of \(dtype) has no floating-point value")
    }
  }

  /// Sum of the squares of all elements, in double precision; not recorded.
  package func sumOfSquares() -> Double {
    var total = 0.0
    kernels(dtype).sum_of_squares(pointer, elementCount, &total)
    return total
  }

  /// Whether no element is NaN or infinite.
  package var isFinite: Bool {
    let counts = notFiniteCounts
    return counts.nan == 0 && counts.infinite == 0
  }

  /// How many elements are NaN and how many infinite; integers and bf16 are not looked at.
  package var notFiniteCounts: (nan: Int, infinite: Int) {
    guard dtype == .f32 || dtype == .f64 else { return (0, 0) }
    var counts: [Int64] = [0, 0]
    kernels(dtype).count_not_finite(pointer, elementCount, &counts)
    return (Int(counts[0]), Int(counts[1]))
  }
}

/// Mean of (p − t)² over all elements, a scalar; the gradient flows to both.
///
/// - Parameters:
///   - prediction: any shape.
///   - target: the same shape.
/// - Returns: the mean, of shape `[]`.
public func meanSquaredError(_ prediction: Tensor, _ target: Tensor) -> Tensor {
  precondition(
    prediction.shape == target.shape,
    "prediction of shape \(prediction.shape) against target of \(target.shape)")
  let table = kernels(prediction.dtype)
  let count = prediction.elementCount
  var total = 0.0
  table.squared_distance(prediction.pointer, target.pointer, count, &total)
  let loss = Tensor(filledWith: total / Double(count), shape: [], dtype: prediction.dtype)
  let (p, t) = (prediction.detached(), target.detached())
  let (needsPrediction, needsTarget) = (prediction.isTracked, target.isTracked)
  return loss.recorded(from: [prediction, target]) { gradient in
    let slope = (p - t).scaled(by: 2 * gradient.scalar / Double(count))
    return [needsPrediction ? slope : nil, needsTarget ? slope.scaled(by: -1) : nil]
  }
}
