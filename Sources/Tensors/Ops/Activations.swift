internal import CKernels

extension Tensor {
  /// GELU, x Φ(x) with the error function (arXiv 1606.08415), element by element.
  public func gelu() -> Tensor {
    let result = Tensor(uninitialized: shape, dtype: dtype)
    kernels(dtype).gelu(pointer, result.pointer, elementCount)
    let x = detached()
    return result.recorded(from: [self]) { gradient in
      let dx = Tensor(uninitialized: x.shape, dtype: x.dtype)
      kernels(x.dtype).gelu_backward(x.pointer, gradient.pointer, dx.pointer, x.elementCount)
      return [dx]
    }
  }

  /// Leaky ReLU: x where positive, else `slope` times x; slope 0 is ReLU.
  public func leakyReLU(slope: Double) -> Tensor {
    let result = Tensor(uninitialized: shape, dtype: dtype)
    kernels(dtype).leaky_relu(pointer, slope, result.pointer, elementCount)
    let x = detached()
    return result.recorded(from: [self]) { gradient in
      let dx = Tensor(uninitialized: x.shape, dtype: x.dtype)
      kernels(x.dtype).leaky_relu_backward(
        x.pointer, gradient.pointer, slope, dx.pointer, x.elementCount)
      return [dx]
    }
  }

  /// Softmax over the last axis.
  public func softmax() -> Tensor {
    let columns = shape.last ?? 1
    let rows = elementCount / max(1, columns)
    let y = Tensor(uninitialized: shape, dtype: dtype)
    kernels(dtype).softmax(pointer, y.pointer, rows, columns)
    return y.recorded(from: [self]) { gradient in
      let dx = Tensor(uninitialized: y.shape, dtype: y.dtype)
      kernels(y.dtype).softmax_backward(y.pointer, gradient.pointer, dx.pointer, rows, columns)
      return [dx]
    }
  }
}
