package import Tensors

/// What the gradients of a low-rank pair say of the weight's, and the changes of the pair nearest to it.
///
/// With ΔW = s B A, A `[r, n]`, B `[m, r]`, G `[m, n]` a direction of the weight, G_A = s Bᵀ G and
/// G_B = s G Aᵀ, the changes (arXiv 2407.18242)
///
/// g_A = (BᵀB)⁻¹ G_A / s² + X A,  g_B = (I − B (BᵀB)⁻¹ Bᵀ) G_B (AAᵀ)⁻¹ / s² − B X
///
/// have the least ‖s (B g_A + g_B A) − G‖_F, for every X `[r, r]`: their effect is
/// G − (I − P_B) G (I − P_A), P the projections onto the columns of B and the rows of A. X solves
/// BᵀB X + X AAᵀ = −(BᵀB)⁻¹ G_A Aᵀ / s², by which g_A and g_B are nearest to G_A and G_B, or is zero.
/// Inverses are pseudo-inverses, and r × r matrices are in double precision.
package struct PairGradient {
  /// The changes of both factors, in their matrix form.
  package struct Changes {
    package let down: Tensor
    package let up: Tensor
  }

  private let down: Tensor
  private let up: Tensor
  private let scaling: Double
  private let ofDown: Spectrum
  private let ofUp: Spectrum

  /// For A `[r, in, ...]` and B `[rows, r, ...]`.
  package init(down: Tensor, up: Tensor, scaling: Double) {
    self.down = down.reshaped(to: [down.shape[0], -1])
    self.up = up.reshaped(to: [up.shape[0], -1])
    self.scaling = scaling
    ofDown = Spectrum(linear(self.down, weight: self.down))
    let columns = self.up.permuted([1, 0])
    ofUp = Spectrum(linear(columns, weight: columns))
  }

  /// s Bᵀ G.
  package func ofDown(_ gradient: Tensor) -> Tensor {
    matrixProduct(up.permuted([1, 0]), gradient).scaled(by: scaling)
  }

  /// s G Aᵀ.
  package func ofUp(_ gradient: Tensor) -> Tensor {
    linear(gradient, weight: down).scaled(by: scaling)
  }

  /// s (B g_A + g_B A), what changes do to the weight.
  package func effect(_ changes: Changes) -> Tensor {
    (matrixProduct(up, changes.down) + matrixProduct(changes.up, down)).scaled(by: scaling)
  }

  /// g_A and g_B; X is zero unless they are to be balanced.
  package func changes(ofDown: Tensor, ofUp: Tensor, isBalanced: Bool) -> Changes {
    let ga = ofDown.reshaped(to: down.shape)
    let gb = ofUp.reshaped(to: up.shape)
    let share = 1 / (scaling * scaling)
    let inverse = self.ofUp.inverse
    let first = matrixProduct(inverse.cast(to: ga.dtype), ga).scaled(by: share)
    let onColumns = matrixProduct(up.permuted([1, 0]), gb)
    let inside = matrixProduct(up, matrixProduct(inverse.cast(to: gb.dtype), onColumns))
    let second = matrixProduct(gb - inside, self.ofDown.inverse.cast(to: gb.dtype))
      .scaled(by: share)
    guard isBalanced else { return Changes(down: first, up: second) }
    let right = linear(first, weight: down).cast(to: .f64).scaled(by: -1)
    let x = Self.solution(self.ofUp, self.ofDown, right).cast(to: ga.dtype)
    return Changes(down: first + matrixProduct(x, down), up: second - matrixProduct(up, x))
  }

  /// X with P X + X Q = C for symmetric P and Q.
  private static func solution(_ p: Spectrum, _ q: Spectrum, _ c: Tensor) -> Tensor {
    let rank = c.shape[0]
    let turned = matrixProduct(matrixProduct(p.vectors.permuted([1, 0]), c), q.vectors)
    var values = turned.elements(as: Double.self)
    for row in 0..<rank {
      for column in 0..<rank {
        let sum = p.values[row] + q.values[column]
        values[row * rank + column] = sum > 0 ? values[row * rank + column] / sum : 0
      }
    }
    return matrixProduct(
      matrixProduct(p.vectors, Tensor(values, shape: [rank, rank])), q.vectors.permuted([1, 0]))
  }

  /// A symmetric matrix without negative eigenvalues.
  private struct Spectrum {
    let values: [Double]
    let vectors: Tensor

    init(_ matrix: Tensor) {
      let parts = matrix.cast(to: .f64).symmetricEigenvalues()
      values = parts.values.elements(as: Double.self).map { max(0, $0) }
      vectors = parts.vectors
    }

    /// The pseudo-inverse: eigenvalues below 10⁻⁸ of the largest count as zero.
    var inverse: Tensor {
      let least = 1e-8 * (values.max() ?? 0)
      let turned = values.map { $0 > least ? 1 / $0 : 0 }
      let scaled = vectors * Tensor(turned, shape: [turned.count])
      return matrixProduct(scaled, vectors.permuted([1, 0]))
    }
  }
}
