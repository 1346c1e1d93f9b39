import Foundation

/// How much each tile says about a pixel where several overlap.
///
/// Along one axis pixel `i` of a tile of `n` weighs `w(i) = f + (1 - f) sin²(π (i + ½) / n)`, a raised
/// cosine that is largest in the middle, where a model sees most context; the floor `f` keeps the
/// border pixels of tiles from vanishing. In two axes weights multiply. Since tiles form a grid, the
/// sum of all weights at a pixel is the product of the sums along the axes, so that each axis is
/// divided by its own.
package struct BlendingWeights: Sendable {
  /// Weights of the pixels of each tile of an axis, their sum over tiles 1 at every pixel inside;
  /// `[tile, pixel]`.
  let weights: [[Float]]

  private static let floor = 1e-3

  /// Weights of tiles that start at `starts` on an axis of `length` pixels.
  init(starts: [Int], crop: Int, length: Int) {
    let profile = (0..<crop).map { index in
      let sine = sin(Double.pi * (Double(index) + 0.5) / Double(crop))
      return Self.floor + (1 - Self.floor) * sine * sine
    }
    var sums = [Double](repeating: 0, count: max(length, crop))
    for start in starts {
      for (index, weight) in profile.enumerated() { sums[start + index] += weight }
    }
    weights = starts.map { start in
      profile.enumerated().map { index, weight in Float(weight / sums[start + index]) }
    }
  }
}
