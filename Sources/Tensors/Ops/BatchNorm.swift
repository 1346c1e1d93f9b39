internal import CKernels

/// Mean and biased variance of each channel, in double precision.
package struct ChannelMoments: Sendable, Equatable {
  /// One for each channel.
  package var mean: [Double]
  /// One for each channel, divided by the count.
  package var variance: [Double]
  /// Values of a channel that were averaged.
  package var count: Int

  package init(mean: [Double], variance: [Double], count: Int) {
    self.mean = mean
    self.variance = variance
    self.count = count
  }

  /// Of a batch `[batch, channels, ...]`.
  package init(of x: Tensor) {
    let channels = x.shape[1]
    let inner = x.shape[2...].reduce(1, *)
    mean = [Double](repeating: 0, count: channels)
    variance = mean
    count = x.shape[0] * inner
    kernels(x.dtype).channel_moments(x.pointer, &mean, &variance, x.shape[0], channels, inner)
  }
}

/// Batch normalization (arXiv 1502.03167, algorithm 1): (x − mean)/√(variance + eps) · w + b.
///
/// - Parameters:
///   - x: `[batch, channels, ...]`.
///   - moments: of the batch itself while training, running ones in evaluation.
///   - areOfBatch: whether the gradient also flows through the moments.
///   - weight: `[channels]` or nil for 1.
///   - bias: `[channels]` or nil for 0.
///   - epsilon: added to the variance.
/// - Returns: the shape of `x`.
package func batchNorm(
  _ x: Tensor, moments: ChannelMoments, areOfBatch: Bool, weight: Tensor?, bias: Tensor?,
  epsilon: Double
) -> Tensor {
  let (batch, channels) = (x.shape[0], x.shape[1])
  let inner = x.shape[2...].reduce(1, *)
  precondition(
    moments.mean.count == channels && weight.map { $0.shape == [channels] } ?? true
      && bias.map { $0.shape == [channels] } ?? true,
    "batch norm: input \(x.shape), weight \(weight?.shape ?? []), \(moments.mean.count) means")
  let y = Tensor(uninitialized: x.shape, dtype: x.dtype)
  let (mean, rstd) = (moments.mean, moments.variance.map { 1 / ($0 + epsilon).squareRoot() })
  kernels(x.dtype).channel_norm(
    x.pointer, mean, rstd, weight?.pointer, bias?.pointer, y.pointer, batch, channels, inner)
  let operands = [x] + [weight, bias].compactMap { $0 }
  let (input, gain) = (x.detached(), weight?.detached())
  let (needsInput, needsWeight) = (x.isTracked, weight?.isTracked ?? false)
  let needsBias = bias?.isTracked ?? false
  let (hasWeight, hasBias) = (weight != nil, bias != nil)
  return y.recorded(from: operands) { gradient in
    let dx = needsInput ? Tensor(uninitialized: input.shape, dtype: input.dtype) : nil
    let dw = needsWeight ? Tensor(uninitialized: [channels], dtype: input.dtype) : nil
    let db = needsBias ? Tensor(uninitialized: [channels], dtype: input.dtype) : nil
    kernels(input.dtype).channel_norm_backward(
      input.pointer, mean, rstd, gain?.pointer, gradient.pointer, dx?.pointer, dw?.pointer,
      db?.pointer, batch, channels, inner, areOfBatch ? 1 : 0)
    return [dx] + (hasWeight ? [dw] : []) + (hasBias ? [db] : [])
  }
}
