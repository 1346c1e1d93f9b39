package import Tensors

extension Tensor {
  /// Largest |a − b| of two floating-point tensors of one shape; infinite where one is NaN.
  package func largestDifference(from other: Tensor) -> Float {
    precondition(shape == other.shape, "\(shape) against \(other.shape)")
    return Float(
      zip(wide, other.wide).reduce(0) {
        let difference = abs($1.0 - $1.1)
        return difference.isNaN ? .infinity : max($0, difference)
      })
  }

  /// Largest |a| of a floating-point tensor.
  package var largestMagnitude: Float { Float(wide.reduce(0) { max($0, abs($1)) }) }

  /// The elements of a single-precision tensor, bit by bit.
  package var bits: [UInt32] { elements(as: Float.self).map(\.bitPattern) }

  private var wide: [Double] {
    dtype == .f64 ? elements(as: Double.self) : elements(as: Float.self).map(Double.init)
  }
}
