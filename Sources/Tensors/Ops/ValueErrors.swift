/// How far a value is from its target.
package enum ErrorMeasure: Sendable {
  /// (p − y)².
  case squared
  /// |p − y|, with gradient 0 where both are equal.
  case absolute
}

/// Mean error of values where the target is a number; NaN marks targets that take no part.
/// - Parameters:
///   - prediction: f32 or f64, any shape.
///   - target: the same shape; no gradient flows to it.
///   - measure: squared or absolute.
///   - divisor: what the sum is divided by, the number of targets that take part where nil.
/// - Returns: of shape `[]`; 0 where no target takes part.
package func meanError(
  _ prediction: Tensor, _ target: Tensor, _ measure: ErrorMeasure, divisor: Double? = nil
) -> Tensor {
  precondition(
    prediction.shape == target.shape && prediction.dtype == target.dtype,
    "prediction \(prediction.dtype) of \(prediction.shape), target \(target.dtype) of "
      + "\(target.shape)")
  switch prediction.dtype {
  case .f64: return measuredError(of: Double.self, prediction, target, measure, divisor)
  default: return measuredError(of: Float.self, prediction, target, measure, divisor)
  }
}

private func measuredError<Value: BinaryFloatingPoint & TensorElement>(
  of _: Value.Type, _ prediction: Tensor, _ target: Tensor, _ measure: ErrorMeasure,
  _ divisor: Double?
) -> Tensor {
  let (p, y) = (prediction.detached(), target.detached())
  var (total, count) = (0.0, 0)
  p.withElements(of: Value.self) { p in
    y.withElements(of: Value.self) { y in
      for place in 0..<p.count where !y[place].isNaN {
        let error = Double(p[place] - y[place])
        total += measure == .squared ? error * error : abs(error)
        count += 1
      }
    }
  }
  let factor = 1 / max(divisor ?? Double(count), .leastNormalMagnitude)
  return Tensor(filledWith: count == 0 ? 0 : total * factor, shape: [], dtype: p.dtype)
    .recorded(from: [prediction]) { gradient in
      let dx = Tensor(uninitialized: p.shape, dtype: p.dtype)
      let scale = Value(gradient.scalar * factor)
      p.withElements(of: Value.self) { p in
        y.withElements(of: Value.self) { y in
          dx.withMutableElements(of: Value.self) { dx in
            for place in 0..<p.count {
              let error = p[place] - y[place]
              if y[place].isNaN {
                dx[place] = 0
              } else if measure == .squared {
                dx[place] = 2 * scale * error
              } else {
                dx[place] = error > 0 ? scale : error < 0 ? -scale : 0
              }
            }
          }
        }
      }
      return [dx]
    }
}

/// Number of targets that take part in `meanError`.
package func validCount(_ target: Tensor) -> Int {
  target.withElements(of: Float.self) { $0.reduce(0) { $1.isNaN ? $0 : $0 + 1 } }
}
