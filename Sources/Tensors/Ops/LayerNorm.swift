internal import CKernels

/// Layer normalization over the last axis (arXiv 1607.06450, equation 4): (x − mean)/√(var + eps) · w + b.
///
/// - Parameters:
///   - x: `[..., dim]`.
///   - weight: `[dim]` or nil for 1.
///   - bias: `[dim]` or nil for 0.
///   - epsilon: added to the variance, which divides by the count.
/// - Returns: `[..., dim]`.
public func layerNorm(_ x: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Double) -> Tensor {
  layerNorm(x, weight: weight, bias: bias, epsilon: epsilon, type: x.dtype)
}

/// The same with a result of another type: bf16 for f32.
package func layerNorm(
  _ x: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Double, type: DType
) -> Tensor {
  if x.dtype == .f32, !(weight?.isTracked ?? false), !(bias?.isTracked ?? false) {
    return frozenLayerNorm(x, weight: weight, bias: bias, epsilon: epsilon, type: type)
  }
  return trainedLayerNorm(x, weight: weight, bias: bias, epsilon: epsilon).converted(to: type)
}

/// Gain and shift are not trained; the result has any type.
private func frozenLayerNorm(
  _ x: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Double, type: DType
) -> Tensor {
  let columns = x.shape.last ?? 1
  let rows = x.elementCount / max(1, columns)
  let y = Tensor(uninitialized: x.shape, dtype: type)
  let mean = Tensor(uninitialized: [rows])
  let rstd = Tensor(uninitialized: [rows])
  attune_products().pointee.layer_norm(
    x.floats, weight?.floats, bias?.floats, epsilon, y.pointer, y.isHalf, mean.mutableFloats,
    rstd.mutableFloats, rows, columns)
  let (input, scale) = (x.detached(), weight?.detached())
  return y.recorded(from: [x]) { gradient in
    let dx = Tensor(uninitialized: input.shape)
    attune_products().pointee.layer_norm_backward(
      input.floats, scale?.floats, mean.floats, rstd.floats, gradient.pointer, gradient.isHalf,
      dx.mutableFloats, rows, columns)
    return [dx]
  }
}

private func trainedLayerNorm(
  _ x: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Double
) -> Tensor {
  let columns = x.shape.last ?? 1
  let rows = x.elementCount / max(1, columns)
  precondition(
    weight.map { $0.shape == [columns] } ?? true && bias.map { $0.shape == [columns] } ?? true,
    "layer norm: input \(x.shape), weight \(weight?.shape ?? []), bias \(bias?.shape ?? [])")
  let y = Tensor(uninitialized: x.shape, dtype: x.dtype)
  let mean = Tensor(uninitialized: [rows], dtype: x.dtype)
  let rstd = Tensor(uninitialized: [rows], dtype: x.dtype)
  kernels(x.dtype).layer_norm(
    x.pointer, weight?.pointer, bias?.pointer, epsilon, y.pointer, mean.pointer, rstd.pointer,
    rows, columns)
  let operands = [x] + [weight, bias].compactMap { $0 }
  let (input, scale) = (x.detached(), weight?.detached())
  let needsInput = x.isTracked
  let needsWeight = weight?.isTracked ?? false
  let needsBias = bias?.isTracked ?? false
  let (hasWeight, hasBias) = (weight != nil, bias != nil)
  return y.recorded(from: operands) { gradient in
    let dx = needsInput ? Tensor(uninitialized: input.shape, dtype: input.dtype) : nil
    let dw = needsWeight ? Tensor(zeros: [columns], dtype: input.dtype) : nil
    let db = needsBias ? Tensor(zeros: [columns], dtype: input.dtype) : nil
    kernels(input.dtype).layer_norm_backward(
      input.pointer, scale?.pointer, mean.pointer, rstd.pointer, gradient.pointer, dx?.pointer,
      dw?.pointer, db?.pointer, rows, columns)
    return [dx] + (hasWeight ? [dw] : []) + (hasBias ? [db] : [])
  }
}
