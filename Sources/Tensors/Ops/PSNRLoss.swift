internal import CKernels
internal import Foundation

/// Minus the peak signal-to-noise ratio in decibels for images in 0…1, the mean over samples:
/// 10/ln 10 · ln(mse + eps), where mse is the mean over a sample.
///
/// - Parameters:
///   - prediction: `[batch, channels, height, width]`.
///   - target: the same shape.
///   - epsilon: added to each sample's mean squared error.
///   - onLuma: whether the luma of RGB images is compared in place of their channels.
/// - Returns: the mean, of shape `[]`.
package func negativePSNR(
  _ prediction: Tensor, _ target: Tensor, epsilon: Double = 1e-8, onLuma: Bool = false
) -> Tensor {
  precondition(
    prediction.shape == target.shape && prediction.rank > 1,
    "prediction of shape \(prediction.shape) against target of \(target.shape)")
  if onLuma { return negativePSNR(prediction.luma(), target.luma(), epsilon: epsilon) }
  let samples = prediction.shape[0]
  let count = prediction.elementCount / max(1, samples)
  let decibels = 10 / log(10.0)
  let errors = (0..<samples).map { sample in
    let offset = sample * count * prediction.dtype.byteCount
    var total = 0.0
    kernels(prediction.dtype).squared_distance(
      prediction.pointer + offset, target.pointer + offset, count, &total)
    return total / Double(count) + epsilon
  }
  let mean = errors.reduce(0) { $0 + log($1) } * decibels / Double(samples)
  let (p, t) = (prediction.detached(), target.detached())
  let (needsPrediction, needsTarget) = (prediction.isTracked, target.isTracked)
  return Tensor(filledWith: mean, shape: [], dtype: p.dtype)
    .recorded(from: [prediction, target]) { gradient in
      let slopes = errors.map {
        2 * gradient.scalar * decibels / (Double(samples * count) * $0)
      }
      let factors = Tensor(slopes, shape: [samples]).cast(to: p.dtype)
      let slope = (p - t).reshaped(to: [1, samples, count])
        .affineByChannel(weight: factors, bias: nil).reshaped(to: p.shape)
      return [needsPrediction ? slope : nil, needsTarget ? slope.scaled(by: -1) : nil]
    }
}

extension Tensor {
  /// The luma `[batch, 1, height, width]` of RGB images in 0…1 (ITU-R BT.601, studio swing):
  /// (65.481 R + 128.553 G + 24.966 B + 16)/255.
  package func luma() -> Tensor {
    precondition(rank == 4 && shape[1] == 3, "luma of \(shape): not RGB images")
    let weights = [65.481, 128.553, 24.966].map { $0 / 255 }
    return convolution(
      self, weight: Tensor(weights, shape: [1, 3, 1, 1]).cast(to: dtype),
      bias: Tensor([16.0 / 255], shape: [1]).cast(to: dtype))
  }
}
