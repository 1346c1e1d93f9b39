import Synchronization

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
  /// All A below each other, `[R, in]`.
  private let downs: Tensor
  /// All s Bᵀ below each other, zero outside their rows, `[R, out]`.
  private let ups: Tensor
  private let packed = Mutex<(down: Panels?, up: Panels?)>((nil, nil))
  private let addends = Mutex<(forward: Addend?, backward: Addend?)>((nil, nil))

  /// The sum of all ranks.
  var rank: Int { downs.shape[0] }
  var operands: [Tensor] { terms.flatMap { [$0.down, $0.up] } }

  package init(_ terms: [Term], outputs: Int) {
    self.terms = terms
    downs = Tensor.concatenated(terms.map { $0.down.detached() }, axis: 0)
    ups = Tensor.concatenated(
      terms.map {
        $0.up.detached().scaled(by: $0.scaling).permuted([1, 0])
          .padded(axis: 1, before: $0.rows.lowerBound, after: outputs - $0.rows.upperBound)
      }, axis: 0)
  }

  /// x Aᵀ, `[rows, R]` f32.
  func hidden(_ x: Tensor, rows: Int) -> Tensor {
    let panels = packed.withLock {
      let panels = $0.down ?? Panels(downs, transposed: true)
      $0.down = panels
      return panels
    }
    return product(x, rows, panels)
  }

  /// dy s B, `[rows, R]` f32: the gradient of `hidden`.
  func hiddenGradient(_ dy: Tensor, rows: Int) -> Tensor {
    let panels = packed.withLock {
      let panels = $0.up ?? Panels(ups, transposed: true)
      $0.up = panels
      return panels
    }
    return product(dy, rows, panels)
  }

  /// What adds s h Bᵀ to a product.
  var added: Addend {
    addends.withLock {
      let addend = $0.forward ?? Addend(ups)
      $0.forward = addend
      return addend
    }
  }

  /// What adds dh A to a product backward.
  var addedBackward: Addend {
    addends.withLock {
      let addend = $0.backward ?? Addend(downs)
      $0.backward = addend
      return addend
    }
  }

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
