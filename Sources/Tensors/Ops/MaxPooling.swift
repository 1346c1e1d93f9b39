internal import CKernels

extension Tensor {
  /// The largest value of each square of `size` × `size` pixels, which do not overlap.
  ///
  /// From `[batch, channels, height, width]` to `[batch, channels, height / size, width / size]`;
  /// rows and columns that fill no square are left out. Of equal values the first gets the gradient.
  package func maxPooled(by size: Int) -> Tensor {
    precondition(
      rank == 4 && size >= 1 && shape[2] >= size && shape[3] >= size,
      "max pool by \(size) of \(shape)")
    guard size > 1 else { return self }
    let target = [shape[0], shape[1], shape[2] / size, shape[3] / size]
    let (planes, pixels) = (shape[0] * shape[1], shape[2] * shape[3])
    let result = Tensor(uninitialized: target, dtype: dtype)
    let places = Tensor(uninitialized: target, dtype: .i32)
    places.withMutableElements(of: Int32.self) {
      kernels(dtype).max_pool(
        pointer, result.pointer, $0.baseAddress, planes, shape[2], shape[3], size)
    }
    let original = shape
    return result.recorded(from: [self]) { gradient in
      let dx = Tensor(zeros: original, dtype: gradient.dtype)
      places.withElements(of: Int32.self) {
        kernels(dx.dtype).max_pool_backward(
          gradient.pointer, $0.baseAddress, dx.pointer, planes, pixels, target[2] * target[3])
      }
      return [dx]
    }
  }
}
