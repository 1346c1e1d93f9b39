package import Tensors

extension Tensor {
  /// Largest |a − b| of two single-precision tensors of one shape; infinite where one is NaN.
  package func largestDifference(from other: Tensor) -> Float {
    precondition(shape == other.shape, "\(shape) against \(other.shape)")
    return zip(cast(to: .f64).elements(as: Double.self), other.cast(to: .f64).elements(as: Double.self)).reduce(0) {
      let difference = abs($1.0 - $1.1)
      return difference.isNaN ? .infinity : max($0, difference)
    }
  }

  /// Largest |a| of a single-precision tensor.
  package var largestMagnitude: Float {
    cast(to: .f64).elements(as: Double.self).reduce(0) { max($0, abs($1)) }
  }

  /// The elements of a single-precision tensor, bit by bit.
  package var bits: [UInt32] { cast(to: .f64).elements(as: Double.self).map(\.bitPattern) }
}
