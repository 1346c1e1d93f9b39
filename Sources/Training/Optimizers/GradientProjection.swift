package import Tensors

/// The part of a matrix's gradient that a low-rank optimizer looks at (GaLore, arXiv 2403.03507, 4.1).
package struct GradientProjection {
  /// Which sides of a gradient `[m, n]` are projected.
  package enum Side: String, CaseIterable {
    /// The shorter one: R = G Q for m ≥ n, else Pᵀ G.
    case std
    /// The longer one.
    case reverse = "reverse_std"
    /// R = Pᵀ G.
    case left
    /// R = G Q.
    case right
    /// R = Pᵀ G Q.
    case full
  }

  /// P `[m, r]`, leading left singular vectors; nil where rows stay.
  package let left: Tensor?
  /// Q `[n, r]`, leading right singular vectors; nil where columns stay.
  package let right: Tensor?

  init(left: Tensor?, right: Tensor?) { (self.left, self.right) = (left, right) }

  /// The leading singular vectors of a gradient `[m, n]`.
  package init(_ gradient: Tensor, rank: Int, side: Side) {
    let (m, n) = (gradient.shape[0], gradient.shape[1])
    let rank = min(rank, m, n)
    var (needsLeft, needsRight) = (side == .left, side == .right)
    switch side {
    case .std: (needsLeft, needsRight) = (m < n, m >= n)
    case .reverse: (needsLeft, needsRight) = (m >= n, m < n)
    case .full: (needsLeft, needsRight) = (true, true)
    case .left, .right: break
    }
    // From the smaller of G Gᵀ and Gᵀ G; the vectors of the other side follow.
    let wide = m < n ? gradient : gradient.permuted([1, 0])
    let gram = batchedProduct(wide, wide, transposeB: true)
    let count = gram.shape[0]
    let short = gram.cast(to: .f64).symmetricEigenvalues().vectors.cast(to: gradient.dtype)
      .sliced(axis: 1, (count - rank)..<count).copied()
    let needsLong = m < n ? needsRight : needsLeft
    let long = needsLong ? Self.normalized(matrixProduct(wide.permuted([1, 0]), short)) : nil
    left = needsLeft ? (m < n ? short : long) : nil
    right = needsRight ? (m < n ? long : short) : nil
  }

  /// R of a gradient.
  package func down(_ gradient: Tensor) -> Tensor {
    let rows = left.map { matrixProduct($0.permuted([1, 0]), gradient) } ?? gradient
    return right.map { matrixProduct(rows, $0) } ?? rows
  }

  /// The matrix `[m, n]` of a projected one.
  package func back(_ projected: Tensor) -> Tensor {
    let rows = left.map { matrixProduct($0, projected) } ?? projected
    return right.map { batchedProduct(rows, $0, transposeB: true) } ?? rows
  }

  /// Columns of length one; one that is zero stays so.
  private static func normalized(_ matrix: Tensor) -> Tensor {
    let (rows, columns) = (matrix.shape[0], matrix.shape[1])
    let result = matrix.copied()
    result.withMutableElements(of: Float.self) { values in
      for column in 0..<columns {
        var sum = 0.0
        for row in 0..<rows {
          let value = Double(values[row * columns + column])
          sum += value * value
        }
        let factor = sum > 0 ? Float(1 / sum.squareRoot()) : 0
        for row in 0..<rows { values[row * columns + column] *= factor }
      }
    }
    return result
  }
}
