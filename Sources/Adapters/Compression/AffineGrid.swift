import Foundation
package import Tensors

/// A grid of 2ᵇ evenly spaced numbers, δ (q − z) for q = 0 … 2ᵇ − 1 with a whole z (arXiv 1806.08342).
package struct AffineGrid: Sendable, Equatable {
  package var step: Float
  /// The q that stands for 0, possibly beyond the grid's ends.
  package var zero: Float

  /// The grid on which values lie with the least mean of |x − x̂|^2.4 (arXiv 1911.07190), among those from
  /// the least to the largest value and 79 narrower ones, each by 1 % of both ends.
  package init(fitting values: some Collection<Float>, bits: Int) {
    let largest = Float((1 << bits) - 1)
    guard let low = values.min(), let high = values.max(), high > low else {
      // One number alone: it lies on the grid, or all are zero.
      let only = values.first ?? 0
      (step, zero) = (only == 0 ? 1 : abs(only), only < 0 ? 1 : 0)
      return
    }
    var best = (error: Double.infinity, step: Float(1), zero: Float(0))
    for shrink in 0..<80 {
      let part = 1 - Float(shrink) * 0.01
      let step = (high - low) * part / largest
      let zero = (-low * part / step).rounded(.toNearestOrEven)
      let grid = AffineGrid(step: step, zero: zero)
      var error = 0.0
      for value in values {
        let distance = abs(value - grid.value(grid.code(value, largest: largest)))
        error += Double(pow(distance, 2.4))
        if error >= best.error { break }
      }
      if error < best.error { best = (error, step, zero) }
    }
    (step, zero) = (best.step, best.zero)
  }

  package init(step: Float, zero: Float) {
    self.step = step
    self.zero = zero
  }

  /// The q next to a number; `largest` is 2ᵇ − 1.
  package func code(_ value: Float, largest: Float) -> Float {
    min(largest, max(0, (value / step).rounded(.toNearestOrEven) + zero))
  }

  package func value(_ code: Float) -> Float { (code - zero) * step }
}

extension AffineGrid {
  /// Grids of the rows of a matrix, each fitted to its own.
  package static func rows(of matrix: Tensor, bits: Int) -> [AffineGrid] {
    let values = matrix.detached().cast(to: .f32).elements(as: Float.self)
    let count = matrix.elementCount / max(1, matrix.shape[0])
    return (0..<matrix.shape[0]).map {
      AffineGrid(fitting: values[($0 * count)..<(($0 + 1) * count)], bits: bits)
    }
  }
}
