internal import COpenBLAS

/// Dense products on OpenBLAS, single-threaded: parallelism lies above (shards of a batch).
enum BLAS {
  private static let ready: Void = openblas_set_num_threads(1)

  /// c[m, n] = a[m, k] · b[k, n] + beta · c, with `a` or `b` stored transposed where said.
  static func multiply(
    _ dtype: DType, a: UnsafeRawPointer, transposeA: Bool, b: UnsafeRawPointer, transposeB: Bool,
    c: UnsafeMutableRawPointer, m: Int, n: Int, k: Int, alpha: Double = 1, beta: Double = 0
  ) {
    _ = ready
    guard m > 0, n > 0 else { return }
    let ta = transposeA ? CblasTrans : CblasNoTrans
    let tb = transposeB ? CblasTrans : CblasNoTrans
    let lda = Int32(max(1, transposeA ? m : k))
    let ldb = Int32(max(1, transposeB ? k : n))
    if dtype == .f32 {
      cblas_sgemm(
        CblasRowMajor, ta, tb, Int32(m), Int32(n), Int32(k), Float(alpha),
        a.assumingMemoryBound(to: Float.self), lda, b.assumingMemoryBound(to: Float.self), ldb,
        Float(beta), c.assumingMemoryBound(to: Float.self), Int32(n))
    } else {
      precondition(dtype == .f64, "no product for \(dtype)")
      cblas_dgemm(
        CblasRowMajor, ta, tb, Int32(m), Int32(n), Int32(k), alpha,
        a.assumingMemoryBound(to: Double.self), lda, b.assumingMemoryBound(to: Double.self), ldb,
        beta, c.assumingMemoryBound(to: Double.self), Int32(n))
    }
  }
}

/// What the products run on, for `doctor` and reports: OpenBLAS's own description.
package var openBLASDescription: String { String(cString: openblas_get_config()) }
