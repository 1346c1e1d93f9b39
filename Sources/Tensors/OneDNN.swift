#if canImport(COneDNN)
  internal import COneDNN

  /// Owner of oneDNN's primitives and packings for one matrix in single precision.
  ///
  /// Sendable: the C side guards its caches with a mutex and gives every execution its own scratch.
  final class LibraryMatrix: Sendable {
    private let address: UInt
    /// The C side keeps a pointer to its values.
    private let weight: Tensor

    init?(_ weight: Tensor) {
      guard
        let handle = attune_dnn_matrix_create(
          weight.pointer.assumingMemoryBound(to: Float.self), Int64(weight.shape[0]),
          Int64(weight.shape[1]))
      else { return nil }
      address = UInt(bitPattern: handle)
      self.weight = weight
    }

    deinit { attune_dnn_matrix_destroy(OpaquePointer(bitPattern: address)) }

    /// y = x Wᵀ or, backward, x W, alone; false where the library cannot.
    func multiply(_ product: PanelProduct, backward: Bool) -> Bool {
      let (handle, rows) = (OpaquePointer(bitPattern: address), Int64(product.rows))
      return backward
        ? attune_dnn_matrix_backward(handle, product.x.pointer, product.y.pointer, rows) == 0
        : attune_dnn_matrix_forward(handle, product.x.pointer, nil, product.y.pointer, rows) == 0
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
