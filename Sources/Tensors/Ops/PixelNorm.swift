internal import CKernels

/// Layer normalization over the channels of each pixel: (x − mean)/√(var + eps) · w + b.
///
/// - Parameters:
///   - x: `[batch, channels, ...]`.
///   - weight: `[channels]` or nil for 1.
///   - bias: `[channels]` or nil for 0.
///   - epsilon: added to the variance, which divides by the number of channels.
/// - Returns: the shape of `x`.
package func pixelNorm(
  _ x: Tensor, weight: Tensor?, bias: Tensor?, epsilon: Double
) -> Tensor {
  let (batch, channels) = (x.shape[0], x.shape[1])
  let inner = x.shape[2...].reduce(1, *)
  precondition(
    weight.map { $0.shape == [channels] } ?? true && bias.map { $0.shape == [channels] } ?? true,
    "pixel norm: input \(x.shape), weight \(weight?.shape ?? []), bias \(bias?.shape ?? [])")
  let y = Tensor(uninitialized: x.shape, dtype: x.dtype)
  let mean = Tensor(uninitialized: [batch, inner], dtype: x.dtype)
  let rstd = Tensor(uninitialized: [batch, inner], dtype: x.dtype)
  kernels(x.dtype).pixel_norm(
    x.pointer, weight?.pointer, bias?.pointer, epsilon, y.pointer, mean.pointer, rstd.pointer,
    batch, channels, inner)
  let operands = [x] + [weight, bias].compactMap { $0 }
  let (input, gain) = (x.detached(), weight?.detached())
  let (needsInput, needsWeight) = (x.isTracked, weight?.isTracked ?? false)
  let needsBias = bias?.isTracked ?? false
  let (hasWeight, hasBias) = (weight != nil, bias != nil)
  return y.recorded(from: operands) { gradient in
    let dx = needsInput ? Tensor(uninitialized: input.shape, dtype: input.dtype) : nil
    let dw = needsWeight ? Tensor(zeros: [channels], dtype: input.dtype) : nil
    let db = needsBias ? Tensor(zeros: [channels], dtype: input.dtype) : nil
    kernels(input.dtype).pixel_norm_backward(
      input.pointer, gain?.pointer, mean.pointer, rstd.pointer, gradient.pointer, dx?.pointer,
      dw?.pointer, db?.pointer, batch, channels, inner)
    return [dx] + (hasWeight ? [dw] : []) + (hasBias ? [db] : [])
  }
}
