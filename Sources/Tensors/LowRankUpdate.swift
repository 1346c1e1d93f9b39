/// Low-rank terms of one weight put together: y = x Wᵀ + Σ s (x Aᵀ) Bᵀ on rows of W (arXiv
/// 2106.09685, equation 3), packed once for every value of A and B.
package final class LowRankUpdate: Sendable {
  /// One term.
  package struct Term: Sendable {
    /// A, `[r, in]`.
    package let down: Tensor
    /// B, `[rows, r]`.
    package let up: Tensor
    /// Rows of W that it changes.
    package let rows: Range<Int>
    /// s.
    package let scaling: Double

    package init(down: Tensor, up: Tensor, rows: Range<Int>, scaling: Double) {
      self.down = down
      self.up = up
      self.rows = rows
      self.scaling = scaling
    }
  }

  let terms: [Term]
  /// The sum of all ranks.
  let rank: Int
  /// All A below each other, `[R, in]`: what x is multiplied with, and what adds dh A backward.
  private let down: Panels
  let addedBackward: Addend
  /// All s Bᵀ below each other, zero outside their rows, `[R, out]`: what dy is multiplied with, and
  /// what adds s h Bᵀ.
  private let up: Panels
  let added: Addend

  var operands: [Tensor] { terms.flatMap { [$0.down, $0.up] } }

  package init(_ terms: [Term], outputs: Int) {
    self.terms = terms
    let downs = Tensor.concatenated(terms.map { $0.down.detached() }, axis: 0)
    let ups = Tensor.concatenated(
      terms.map {
        $0.up.detached().scaled(by: $0.scaling).permuted([1, 0])
          .padded(axis: 1, before: $0.rows.lowerBound, after: outputs - $0.rows.upperBound)
      }, axis: 0)
    rank = downs.shape[0]
    down = Panels(downs, transposed: true)
    up = Panels(ups, transposed: true)
    added = Addend(ups)
    addedBackward = Addend(downs)
  }

  /// x Aᵀ, `[rows, R]` f32.
  func hidden(_ x: Tensor, rows: Int) -> Tensor { product(x, rows, down) }

  /// dy s B, `[rows, R]` f32: the gradient of `hidden`.
  func hiddenGradient(_ dy: Tensor, rows: Int) -> Tensor { product(dy, rows, up) }

  /// Gradients of A and B, in the order of `operands`; `hiddenGradient` and `hidden` as above.
  func gradients(hidden: Tensor, hiddenGradient: Tensor, x: Tensor, dy: Tensor, rows: Int)
    -> [Tensor]
  {
    let downs = outerProduct(hiddenGradient, x, rows: rows)
    let ups = outerProduct(hidden, dy, rows: rows)
    var first = 0
    return terms.flatMap { term in
      let range = first..<(first + term.down.shape[0])
      first = range.upperBound
      return [
        downs.sliced(axis: 0, range),
        ups.sliced(axis: 0, range).sliced(axis: 1, term.rows).permuted([1, 0])
          .scaled(by: term.scaling),
      ]
    }
  }

  private func product(_ x: Tensor, _ rows: Int, _ panels: Panels) -> Tensor {
    let result = Tensor(uninitialized: [rows, rank])
    PanelProduct(x, rows: rows, into: result).run(panels)
    return result
  }
}
