internal import CKernels

extension Tensor {
  /// Logistic function 1/(1 + e⁻ˣ), element by element.
  public func sigmoid() -> Tensor {
    let y = Tensor(uninitialized: shape, dtype: dtype)
    kernels(dtype).sigmoid(pointer, y.pointer, elementCount)
    return y.recorded(from: [self]) { gradient in
      let dx = Tensor(uninitialized: y.shape, dtype: y.dtype)
      kernels(y.dtype).sigmoid_backward(y.pointer, gradient.pointer, dx.pointer, y.elementCount)
      return [dx]
    }
  }

  /// SiLU or Swish, x σ(x) (arXiv 1702.03118).
  public func silu() -> Tensor { self * sigmoid() }

  /// The sigmoid form of GELU, x σ(1.702 x) (arXiv 1606.08415, section 2).
  public func quickGELU() -> Tensor { self * scaled(by: 1.702).sigmoid() }

  /// The tanh form of GELU (arXiv 1606.08415, section 2), with (1 + tanh u)/2 = σ(2u).
  public func geluTanh() -> Tensor {
    let cube = (self * self * self).scaled(by: 0.044715)
    return self * (self + cube).scaled(by: 2 * (2 / Double.pi).squareRoot()).sigmoid()
  }

  /// max(x, 0), element by element.
  public func relu() -> Tensor { leakyReLU(slope: 0) }
}
