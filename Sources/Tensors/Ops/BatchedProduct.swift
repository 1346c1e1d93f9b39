/// Products of matrices over shared leading axes.
///
/// - Parameters:
///   - a: `[..., m, k]`.
///   - b: `[..., k, n]`, or `[..., n, k]` with `transposeB`.
///   - transposeB: whether the matrices of `b` are stored transposed.
/// - Returns: `[..., m, n]`.
package func batchedProduct(_ a: Tensor, _ b: Tensor, transposeB: Bool = false) -> Tensor {
  let result = product(a, b, transposeA: false, transposeB: transposeB)
  let (left, right) = (a.detached(), b.detached())
  let (needsLeft, needsRight) = (a.isTracked, b.isTracked)
  return result.recorded(from: [a, b]) { gradient in
    [
      needsLeft ? product(gradient, right, transposeA: false, transposeB: !transposeB) : nil,
      needsRight
        ? (transposeB
          ? product(gradient, left, transposeA: true, transposeB: false)
          : product(left, gradient, transposeA: true, transposeB: false)) : nil,
    ]
  }
}

private func product(
  _ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool
) -> Tensor {
  precondition(
    a.rank == b.rank && a.rank >= 2 && a.shape.dropLast(2) == b.shape.dropLast(2),
    "products of \(a.shape) and \(b.shape)")
  let (rowsA, columnsA) = (a.shape[a.rank - 2], a.shape[a.rank - 1])
  let (rowsB, columnsB) = (b.shape[b.rank - 2], b.shape[b.rank - 1])
  let (m, k) = transposeA ? (columnsA, rowsA) : (rowsA, columnsA)
  let (inner, n) = transposeB ? (columnsB, rowsB) : (rowsB, columnsB)
  precondition(k == inner, "products of \(a.shape) and \(b.shape)")
  let leading = Array(a.shape.dropLast(2))
  let result = Tensor(uninitialized: leading + [m, n], dtype: a.dtype)
  let size = a.dtype.byteCount
  for index in 0..<leading.reduce(1, *) {
    BLAS.multiply(
      a.dtype, a: a.pointer + index * m * k * size, transposeA: transposeA,
      b: b.pointer + index * k * n * size, transposeB: transposeB,
      c: result.pointer + index * m * n * size, m: m, n: n, k: k)
  }
  return result
}
