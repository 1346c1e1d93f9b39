import Synchronization

/// A weight matrix `[out, in]` that is not trained, packed once for the kernels that multiply with
/// it: for x Wᵀ and for dy W, each at its first use.
///
/// Double precision, and processors for which the package has no kernels of its own, go through
/// oneDNN or OpenBLAS.
package final class FrozenWeight: Sendable {
  package let weight: Tensor
  private let precision: Precision
  private let packed = Mutex<(forward: Panels?, backward: Panels?)>((nil, nil))
  #if canImport(COneDNN)
    private let library: LibraryMatrix?
  #endif

  package init(_ weight: Tensor, precision: Precision = .fp32) {
    precondition(weight.rank == 2, "frozen weight of shape \(weight.shape): not a matrix")
    self.weight = weight.detached()
    self.precision = weight.dtype == .f32 ? precision : .fp32
    #if canImport(COneDNN)
      library =
        weight.dtype == .f32 && !Self.hasOwnKernels && precision == .fp32
        ? LibraryMatrix(weight) : nil
    #endif
  }

  /// Whether products run on the package's kernels; ATTUNE_ISA=default turns them off.
  static let hasOwnKernels = kernelInstructionSet != "default"

  private var isPacked: Bool {
    weight.dtype == .f32 && (Self.hasOwnKernels || precision == .bf16)
  }

  /// y = GELU(x Wᵀ + extra + bias) + residual, without what is nil.
  func forward(_ product: PanelProduct) { run(product, backward: false) }

  /// dx = dy W + extra.
  func backward(_ product: PanelProduct) { run(product, backward: true) }

  private func run(_ product: PanelProduct, backward: Bool) {
    if isPacked {
      product.run(panels(backward: backward))
    } else {
      multiply(product, backward: backward)
      product.attachTheRest(columns: weight.shape[backward ? 1 : 0])
    }
  }

  private func panels(backward: Bool) -> Panels {
    packed.withLock { packed in
      if let panels = backward ? packed.backward : packed.forward { return panels }
      let panels = Allocator.making {
        Panels(weight, transposed: !backward, isHalf: precision == .bf16)
      }
      if backward { packed.backward = panels } else { packed.forward = panels }
      return panels
    }
  }

  private func multiply(_ product: PanelProduct, backward: Bool) {
    #if canImport(COneDNN)
      if let library, library.multiply(product, backward: backward) { return }
    #endif
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    BLAS.multiply(
      weight.dtype, a: product.x.pointer, transposeA: false, b: weight.pointer,
      transposeB: !backward, c: product.y.pointer, m: product.rows,
      n: backward ? inputs : outputs, k: backward ? outputs : inputs)
  }
}
