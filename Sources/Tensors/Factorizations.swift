internal import COpenBLAS

/// A matrix as LAPACK takes it: double precision, by columns.
private struct Columns {
  let rows: Int
  let columns: Int
  var values: [Double]

  init(rows: Int, columns: Int) {
    (self.rows, self.columns) = (rows, columns)
    values = [Double](repeating: 0, count: rows * columns)
  }

  init(_ matrix: Tensor) {
    precondition(matrix.rank == 2, "a factorization of a tensor of shape \(matrix.shape)")
    self.init(rows: matrix.shape[0], columns: matrix.shape[1])
    let flat = matrix.detached().cast(to: .f64).permuted([1, 0])
    values = flat.elements(as: Double.self)
  }

  /// The leading columns.
  func tensor(columns wanted: Int? = nil, _ dtype: DType) -> Tensor {
    let count = wanted ?? columns
    return Tensor(Array(values.prefix(count * rows)), shape: [count, rows])
      .permuted([1, 0]).cast(to: dtype)
  }
}

/// W = U diag(σ) Vᵀ with σ descending, all of min(m, n) terms.
package struct SingularValues: Sendable {
  /// `[m, k]`, columns orthonormal; the entry of largest magnitude of each column is positive.
  package let left: Tensor
  /// `[k]`.
  package let values: Tensor
  /// `[k, n]`, rows orthonormal.
  package let right: Tensor

  package init(left: Tensor, values: Tensor, right: Tensor) {
    (self.left, self.values, self.right) = (left, values, right)
  }
}

extension Tensor {
  /// Singular value decomposition by divide and conquer (LAPACK `gesdd`), computed in double
  /// precision, of a matrix `[m, n]`.
  ///
  /// Signs are fixed, so that the same matrix gives the same vectors wherever singular values differ.
  package func singularValues() -> SingularValues {
    var a = Columns(self)
    var (m, n) = (Int32(a.rows), Int32(a.columns))
    var k = min(m, n)
    var s = [Double](repeating: 0, count: Int(k))
    var u = Columns(rows: a.rows, columns: Int(k))
    var vt = Columns(rows: Int(k), columns: a.columns)
    var integers = [Int32](repeating: 0, count: 8 * Int(k))
    let info = withWorkspace { work, size, info in
      dgesdd_(
        "S", &m, &n, &a.values, &m, &s, &u.values, &m, &vt.values, &k, work, size, &integers, info)
    }
    precondition(info == 0, "the singular value decomposition did not converge (\(info))")
    for column in 0..<Int(k) {
      let range = (column * u.rows)..<((column + 1) * u.rows)
      let largest = u.values[range].max { abs($0) < abs($1) } ?? 0
      guard largest < 0 else { continue }
      for index in range { u.values[index].negate() }
      for index in stride(from: column, to: vt.values.count, by: Int(k)) {
        vt.values[index].negate()
      }
    }
    return SingularValues(
      left: u.tensor(dtype), values: Tensor(s, shape: [Int(k)]).cast(to: dtype),
      right: vt.tensor(dtype))
  }

  /// Q `[m, k]` and R `[k, n]` of a matrix `[m, n]`, k = min(m, n), by Householder reflections with
  /// LAPACK's signs, computed in double precision.
  package func orthogonalTriangular() -> (q: Tensor, r: Tensor) {
    var a = Columns(self)
    var (m, n) = (Int32(a.rows), Int32(a.columns))
    var k = min(m, n)
    var tau = [Double](repeating: 0, count: Int(k))
    _ = withWorkspace { work, size, info in
      dgeqrf_(&m, &n, &a.values, &m, &tau, work, size, info)
    }
    var r = Columns(rows: Int(k), columns: a.columns)
    for column in 0..<a.columns {
      for row in 0...min(column, Int(k) - 1) {
        r.values[column * Int(k) + row] = a.values[column * a.rows + row]
      }
    }
    _ = withWorkspace { work, size, info in
      dorgqr_(&m, &k, &k, &a.values, &m, &tau, work, size, info)
    }
    return (a.tensor(columns: Int(k), dtype), r.tensor(dtype))
  }

  /// P, L and U of a matrix `[m, n]` with partial pivoting: rows `order` of it are L U, with L
  /// `[m, k]` unit lower and U `[k, n]` upper triangular, computed in double precision.
  package func lowerUpper() -> (order: [Int], lower: Tensor, upper: Tensor) {
    var a = Columns(self)
    var (m, n) = (Int32(a.rows), Int32(a.columns))
    let k = min(a.rows, a.columns)
    var pivots = [Int32](repeating: 0, count: k)
    var info: Int32 = 0
    dgetrf_(&m, &n, &a.values, &m, &pivots, &info)
    var order = Array(0..<a.rows)
    for (row, pivot) in pivots.enumerated() { order.swapAt(row, Int(pivot) - 1) }
    var lower = Columns(rows: a.rows, columns: k)
    var upper = Columns(rows: k, columns: a.columns)
    for column in 0..<a.columns {
      for row in 0..<a.rows {
        let value = a.values[column * a.rows + row]
        if row <= column, row < k { upper.values[column * k + row] = value }
        if column < k { lower.values[column * a.rows + row] = row > column ? value : 0 }
        if column < k, row == column { lower.values[column * a.rows + row] = 1 }
      }
    }
    return (order, lower.tensor(dtype), upper.tensor(dtype))
  }

  /// Eigenvalues ascending, `[n]`, and eigenvectors as columns, `[n, n]`, of a symmetric matrix,
  /// computed in double precision.
  package func symmetricEigenvalues() -> (values: Tensor, vectors: Tensor) {
    var a = Columns(self)
    precondition(a.rows == a.columns, "eigenvalues of a matrix \(shape)")
    var n = Int32(a.rows)
    var values = [Double](repeating: 0, count: a.rows)
    var integers = [Int32](repeating: 0, count: 3 + 5 * a.rows)
    var count = Int32(integers.count)
    let info = withWorkspace { work, size, info in
      dsyevd_("V", "U", &n, &a.values, &n, &values, work, size, &integers, &count, info)
    }
    precondition(info == 0, "the eigenvalue decomposition did not converge (\(info))")
    return (Tensor(values, shape: [a.rows]).cast(to: dtype), a.tensor(dtype))
  }

  /// The inverse of a square matrix, or of each of a batch `[batch, n, n]`, on the tape.
  ///
  /// d(A⁻¹) = −A⁻¹ dA A⁻¹. Computed in double precision.
  ///
  /// A singular matrix gives values that are no numbers.
  package func inverse() -> Tensor {
    let n = shape[rank - 1]
    precondition(rank >= 2 && shape[rank - 2] == n, "the inverse of a tensor \(shape)")
    let batch = elementCount / max(1, n * n)
    let flat = reshaped(to: [batch, n, n])
    let parts = (0..<batch).map { index in
      inverted(flat.sliced(axis: 0, index..<(index + 1)).reshaped(to: [n, n]))
    }
    let joined = Tensor.concatenated(parts.map { $0.reshaped(to: [1, n, n]) }, axis: 0)
    let result = joined.detached().reshaped(to: shape)
    let saved = joined.detached()
    return result.recorded(from: [self]) { gradient in
      let transposed = saved.permuted([0, 2, 1])
      let left = batchedProduct(transposed, gradient.reshaped(to: [batch, n, n]))
      return [
        batchedProduct(left, transposed).scaled(by: -1).reshaped(to: gradient.shape)
      ]
    }
  }
}

private func inverted(_ matrix: Tensor) -> Tensor {
  var a = Columns(matrix)
  var n = Int32(a.rows)
  var pivots = [Int32](repeating: 0, count: a.rows)
  var info: Int32 = 0
  dgetrf_(&n, &n, &a.values, &n, &pivots, &info)
  if info == 0 {
    info = withWorkspace { work, size, info in
      dgetri_(&n, &a.values, &n, &pivots, work, size, info)
    }
  }
  if info != 0 { a.values = [Double](repeating: .nan, count: a.values.count) }
  return a.tensor(matrix.dtype)
}

/// Asks a routine for the memory that it wants, then runs it; gives its last `info`.
private func withWorkspace(
  _ run: (
    _ work: UnsafeMutablePointer<Double>, _ size: UnsafePointer<Int32>,
    _ info: UnsafeMutablePointer<Int32>
  ) -> Void
) -> Int32 {
  var (wanted, query, info): (Double, Int32, Int32) = (0, -1, 0)
  run(&wanted, &query, &info)
  var work = [Double](repeating: 0, count: max(1, Int(wanted)))
  var size = Int32(work.count)
  run(&work, &size, &info)
  return info
}
