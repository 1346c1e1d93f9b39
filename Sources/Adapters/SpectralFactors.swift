import Layers
import Tensors

/// W = U diag(σ) Vᵀ of a target's weight, σ descending, as frozen values of the adapter.
///
/// Computed from the base weight where they are first needed, and not at all where a file gives them:
/// trained values live in this basis, and degenerate singular vectors are not unique.
struct SpectralFactors: Sendable {
  /// U `[rows, k]` with k = min(rows, in · kernel).
  let left: Parameter
  /// σ `[k]`.
  let values: Parameter
  /// Vᵀ `[k, in · kernel]`.
  let right: Parameter

  var buffers: [Parameter] { [left, values, right] }
  /// k.
  var count: Int { values.shape[0] }

  init(_ target: AdapterTarget) {
    let (rows, inputs) = (target.rows.count, target.inputs)
    let count = Self.count(target)
    let pending = MadeOnce { target.singularValues() }
    left = Parameter(path: target.path(to: "U"), shape: [rows, count]) { pending.value.left }
    values = Parameter(path: target.path(to: "S"), shape: [count]) { pending.value.values }
    right = Parameter(path: target.path(to: "Vt"), shape: [count, inputs]) {
      pending.value.right
    }
  }

  /// k of a target.
  static func count(_ target: AdapterTarget) -> Int { min(target.rows.count, target.inputs) }

  /// U F Vᵀ for a matrix F that is diagonal in its first rows and columns.
  ///
  /// - Parameters:
  ///   - diagonal: `[p]`.
  ///   - block: the next rows and columns, `[q, q]`; nil for none. The rest of F is zero.
  /// - Returns: `[rows, in · kernel]`.
  func matrix(diagonal: Tensor, block: Tensor?) -> Tensor {
    let (p, u) = (diagonal.shape[0], left())
    var scaled = u.sliced(axis: 1, 0..<p) * diagonal
    if let block {
      let rest = matrixProduct(u.sliced(axis: 1, p..<(p + block.shape[0])), block)
      scaled = Tensor.concatenated([scaled, rest], axis: 1)
    }
    return matrixProduct(scaled, right().sliced(axis: 0, 0..<scaled.shape[1]))
  }

  /// W x + b + U F Vᵀ x of a linear layer without making U F Vᵀ, for such a matrix F.
  ///
  /// - Returns: `[..., rows]`; nil where making it takes fewer products of numbers.
  func output(
    _ x: Tensor, of layer: SiteRows, diagonal: Tensor, block: Tensor?, context: ForwardContext
  ) -> Tensor? {
    let (p, q) = (diagonal.shape[0], block?.shape[0] ?? 0)
    guard layer.site.kind == .linear, isShorter(tokens: x.elementCount / x.shape[x.rank - 1], p, q)
    else { return nil }
    let hidden = linear(x, weight: right().sliced(axis: 0, 0..<(p + q)))
    let axis = hidden.rank - 1
    var changed = hidden.sliced(axis: axis, 0..<p) * diagonal
    if let block {
      let rest = linear(hidden.sliced(axis: axis, p..<(p + q)), weight: block)
      changed = Tensor.concatenated([changed, rest], axis: axis)
    }
    let base = layer.product(x, context)
    return (layer.bias.map { base + $0 } ?? base)
      + linear(changed, weight: left().sliced(axis: 1, 0..<(p + q)))
  }

  private func isShorter(tokens: Int, _ p: Int, _ q: Int) -> Bool {
    let (m, n) = (left.shape[0], right.shape[1])
    return tokens * ((p + q) * (m + n) + q * q) < m * q * q + m * (p + q) * n
  }
}
