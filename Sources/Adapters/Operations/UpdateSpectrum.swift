import Foundation
package import Tensors

/// What an update did to the singular vectors of a weight (arXiv 2410.21228).
package struct UpdateSpectrum: Sendable, Equatable {
  /// Leading left singular vectors of W + ΔW that no one of W is near to.
  package let intruders: Int
  /// Vectors looked at.
  package let looked: Int
  /// exp of the entropy of the normalized singular values of ΔW: the number of directions that the
  /// update uses (Roy and Vetterli 2007); 0 for ΔW = 0.
  package let effectiveRank: Double
  /// ‖ΔW‖ / ‖W‖ in the Frobenius norm.
  package let relativeNorm: Double

  /// Compares a weight before and after, both `[out, in]`.
  ///
  /// The j-th of the `leading` left vectors of the new weight is an intruder where
  /// maxᵢ |⟨u'ⱼ, uᵢ⟩| < `nearness`.
  package init(
    _ before: Tensor, _ after: Tensor, leading: Int = 10, nearness: Double = 0.5
  ) {
    let old = before.singularValues()
    let new = after.singularValues()
    looked = min(leading, new.values.shape[0])
    let overlaps = matrixProduct(
      new.left.sliced(axis: 1, 0..<looked).permuted([1, 0]), old.left)
    let columns = overlaps.shape[1]
    let entries = overlaps.cast(to: .f64).elements(as: Double.self)
    intruders = (0..<looked).count { row in
      !entries[(row * columns)..<((row + 1) * columns)].contains { abs($0) >= nearness }
    }
    let change = after - before
    effectiveRank = Self.effectiveRank(change)
    let norm = before.sumOfSquares().squareRoot()
    relativeNorm = norm > 0 ? change.sumOfSquares().squareRoot() / norm : 0
  }

  /// Multiplications of the decompositions, about.
  package static func cost(rows: Int, columns: Int) -> Double {
    30 * Double(rows) * Double(columns) * Double(min(rows, columns))
  }

  private static func effectiveRank(_ matrix: Tensor) -> Double {
    guard matrix.sumOfSquares() > 0 else { return 0 }
    let values = matrix.singularValues().values.cast(to: .f64).elements(as: Double.self)
    let total = values.reduce(0, +)
    let shares = values.map { $0 / total }.filter { $0 > 0 }
    return exp(-shares.reduce(0) { $0 + $1 * log($1) })
  }
}
