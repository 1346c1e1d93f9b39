import Foundation

/// Elementary functions, element by element, on the tape.
extension Tensor {
  /// eˣ.
  package func exponential() -> Tensor { applying({ exp($0) }, slope: { _, y in y }) }

  package func cosine() -> Tensor { applying({ cos($0) }, slope: { x, _ in -sin(x) }) }

  package func sine() -> Tensor { applying({ sin($0) }, slope: { x, _ in cos(x) }) }

  package func hyperbolicTangent() -> Tensor {
    applying({ tanh($0) }, slope: { _, y in 1 - y * y })
  }

  /// √x; the slope at 0 is infinite.
  package func squareRoot() -> Tensor {
    applying({ $0.squareRoot() }, slope: { _, y in 0.5 / y })
  }

  /// The function's values, and gradients by its slope, which sees argument and value; both are
  /// computed in double precision.
  private func applying(
    _ function: (Double) -> Double, slope: @escaping @Sendable (Double, Double) -> Double
  ) -> Tensor {
    let x = detached()
    let y = x.mapped(function)
    return y.recorded(from: [self]) { gradient in
      [gradient * x.zipped(with: y, slope)]
    }
  }

  private func mapped(_ function: (Double) -> Double) -> Tensor {
    switch dtype {
    case .f32: Tensor(elements(as: Float.self).map { Float(function(Double($0))) }, shape: shape)
    case .f64: Tensor(elements(as: Double.self).map(function), shape: shape)
    default: preconditionFailure("a function of a tensor of \(dtype)")
    }
  }

  private func zipped(with other: Tensor, _ function: (Double, Double) -> Double) -> Tensor {
    switch dtype {
    case .f32:
      let values = zip(elements(as: Float.self), other.elements(as: Float.self))
      return Tensor(values.map { Float(function(Double($0), Double($1))) }, shape: shape)
    default:
      let values = zip(elements(as: Double.self), other.elements(as: Double.self))
      return Tensor(values.map(function), shape: shape)
    }
  }
}
