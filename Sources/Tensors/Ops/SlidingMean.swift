internal import CKernels

extension Tensor {
  /// Means of `window` neighbors along an axis, at every place where the window fits.
  ///
  /// The axis shrinks by `window` − 1; sums are in double precision.
  package func slidingMean(axis: Int, window: Int) -> Tensor {
    let size = shape[axis]
    precondition(
      (1...max(1, size)).contains(window), "window \(window) on axis \(axis) of \(shape)")
    guard window > 1 else { return self }
    var target = shape
    target[axis] = size - window + 1
    let outer = shape[..<axis].reduce(1, *)
    let inner = shape[(axis + 1)...].reduce(1, *)
    let result = Tensor(uninitialized: target, dtype: dtype)
    kernels(dtype).window_mean(pointer, result.pointer, outer, size, window, inner)
    let original = shape
    return result.recorded(from: [self]) { gradient in
      let dx = Tensor(uninitialized: original, dtype: gradient.dtype)
      kernels(dx.dtype).window_mean_backward(
        gradient.pointer, dx.pointer, outer, size, window, inner)
      return [dx]
    }
  }

  /// The first and last elements of an axis repeated before and after it.
  package func paddedWithEdges(axis: Int, before: Int, after: Int) -> Tensor {
    guard before > 0 || after > 0 else { return self }
    let size = shape[axis]
    return resampled(
      axis: axis,
      AxisTaps(
        inputSize: size,
        outputs: (-before..<(size + after)).map { [(min(max($0, 0), size - 1), 1)] }))
  }
}
