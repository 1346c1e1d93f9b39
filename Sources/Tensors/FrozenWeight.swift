internal import CKernels

#if canImport(COneDNN)
  internal import COneDNN
#endif

/// A frozen weight matrix packed once for the kernels that multiply with it.
///
/// Shape `[out, in]`, single precision. With oneDNN the two packings (for `x Wᵀ` and for `dy W`)
/// are made at first use and kept; without it the products read the plain matrix.
package final class FrozenWeight: Sendable {
  package let weight: Tensor
  #if canImport(COneDNN)
    private let packed: PackedMatrix?
  #endif

  package init(_ weight: Tensor) {
    precondition(weight.rank == 2, "frozen weight of shape \(weight.shape): not a matrix")
    self.weight = weight.detached()
    #if canImport(COneDNN)
      packed = weight.dtype == .f32 ? PackedMatrix(weight) : nil
    #endif
  }

  /// y[m, out] = x[m, in] · Wᵀ (+ bias[out]).
  func forward(_ x: UnsafeRawPointer, bias: Tensor?, into y: Tensor, rows: Int) {
    #if canImport(COneDNN)
      if let packed, packed.forward(x, bias: bias?.pointer, y.pointer, rows) { return }
    #endif
    BLAS.multiply(
      weight.dtype, a: x, transposeA: false, b: weight.pointer, transposeB: true, c: y.pointer,
      m: rows, n: weight.shape[0], k: weight.shape[1])
    if let bias {
      kernels(weight.dtype).add_row(y.pointer, bias.pointer, y.pointer, rows, weight.shape[0])
    }
  }

  /// dx[m, in] = dy[m, out] · W.
  func backward(_ dy: UnsafeRawPointer, into dx: Tensor, rows: Int) {
    #if canImport(COneDNN)
      if let packed, packed.backward(dy, dx.pointer, rows) { return }
    #endif
    BLAS.multiply(
      weight.dtype, a: dy, transposeA: false, b: weight.pointer, transposeB: false, c: dx.pointer,
      m: rows, n: weight.shape[1], k: weight.shape[0])
  }
}

#if canImport(COneDNN)
  /// Owner of oneDNN's primitives and packings for one matrix.
  ///
  /// Sendable: the C side guards its caches with a mutex and gives every execution its own scratch.
  private final class PackedMatrix: Sendable {
    private let address: UInt

    init?(_ weight: Tensor) {
      guard
        let handle = attune_dnn_matrix_create(
          weight.pointer.assumingMemoryBound(to: Float.self), Int64(weight.shape[0]),
          Int64(weight.shape[1]))
      else { return nil }
      address = UInt(bitPattern: handle)
    }

    deinit { attune_dnn_matrix_destroy(OpaquePointer(bitPattern: address)) }

    func forward(
      _ x: UnsafeRawPointer, bias: UnsafeRawPointer?, _ y: UnsafeMutableRawPointer, _ rows: Int
    ) -> Bool {
      attune_dnn_matrix_forward(
        OpaquePointer(bitPattern: address), x, bias, y, Int64(rows)) == 0
    }

    func backward(_ dy: UnsafeRawPointer, _ dx: UnsafeMutableRawPointer, _ rows: Int) -> Bool {
      attune_dnn_matrix_backward(OpaquePointer(bitPattern: address), dy, dx, Int64(rows)) == 0
    }
  }
#endif

/// Version of oneDNN in use, or nil where the package was built without it.
package var oneDNNVersion: String? {
  #if canImport(COneDNN)
    String(cString: attune_dnn_version())
  #else
    nil
  #endif
}
