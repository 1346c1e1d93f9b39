package import Tensors

/// Compares gradients from the tape with finite differences.
package enum FiniteDifferences {
  /// The largest error of one operand's gradient, relative to the largest entry of its gradients.
  package struct Result: Sendable {
    /// Tape in double precision against central differences in double precision.
    package var doubleError: Double
    /// Tape in single precision against the tape in double precision.
    package var singleError: Double
  }

  /// Checks every entry of every operand of `function`.
  ///
  /// The scalar is the sum of the result times fixed pseudo-random weights, so that no symmetry of
  /// the result hides an error.
  /// The operands are in double precision; `step` is half the distance of the two evaluations;
  /// `function` takes the operands and is called in both precisions.
  package static func check(
    _ operands: [Tensor], step: Double = 1e-6, _ function: ([Tensor]) -> Tensor
  ) -> Result {
    let exact = tapeGradients(operands, function)
    let single = tapeGradients(operands.map { $0.cast(to: .f32) }, function)
    var result = Result(doubleError: 0, singleError: 0)
    for (index, operand) in operands.enumerated() {
      var values = operand.elements(as: Double.self)
      var differences = [Double](repeating: 0, count: values.count)
      for position in values.indices {
        let original = values[position]
        var sides: [Double] = []
        for sign in [1.0, -1.0] {
          values[position] = original + sign * step
          var moved = operands
          moved[index] = Tensor(values, shape: operand.shape)
          sides.append(weightedSum(function(moved)))
        }
        values[position] = original
        differences[position] = (sides[0] - sides[1]) / (2 * step)
      }
      let largest = max(1e-12, differences.map(abs).max() ?? 0)
      let tape = exact[index]
      let floats = single[index]
      for position in differences.indices {
        result.doubleError = max(
          result.doubleError, abs(tape[position] - differences[position]) / largest)
        result.singleError = max(
          result.singleError, abs(floats[position] - tape[position]) / largest)
      }
    }
    return result
  }

  /// Reproducible values of order 1 without symmetry.
  package static func values(_ shape: [Int], seed: Int) -> Tensor {
    var state = UInt64(truncatingIfNeeded: seed &* 2_654_435_761 &+ 12_345)
    let count = shape.reduce(1, *)
    return Tensor(
      (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 33) / Double(1 << 30) - 1
      }, shape: shape)
  }

  private static func weights(_ shape: [Int]) -> Tensor { values(shape, seed: 99) }

  private static func weightedSum(_ tensor: Tensor) -> Double {
    zip(tensor.elements(as: Double.self), weights(tensor.shape).elements(as: Double.self))
      .reduce(0) { $0 + $1.0 * $1.1 }
  }

  private static func tapeGradients(
    _ operands: [Tensor], _ function: ([Tensor]) -> Tensor
  ) -> [[Double]] {
    let leaves = operands.map { _ in Node() }
    let result = function(zip(operands, leaves).map { $0.tracked(by: $1) })
    let gradients = result.gradients(for: weights(result.shape).cast(to: result.dtype))
    return zip(operands, leaves).map { operand, leaf in
      guard let gradient = gradients[leaf] else {
        return [Double](repeating: 0, count: operand.elementCount)
      }
      return gradient.cast(to: .f64).elements(as: Double.self)
    }
  }
}
