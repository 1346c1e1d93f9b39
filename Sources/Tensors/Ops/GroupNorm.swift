/// Group normalization (arXiv 1803.08494): each group of neighboring channels of a sample by its own
/// mean and variance, then each channel times `weight` plus `bias`.
///
/// - Parameters:
///   - x: `[batch, channels, ...]`.
///   - groups: a divisor of the channels.
///   - weight: `[channels]` or nil for 1.
///   - bias: `[channels]` or nil for 0.
///   - epsilon: added to the variance.
/// - Returns: the shape of `x`.
package func groupNorm(
  _ x: Tensor, groups: Int, weight: Tensor?, bias: Tensor?, epsilon: Double
) -> Tensor {
  precondition(x.shape[1] % groups == 0, "group norm: \(groups) groups of \(x.shape)")
  return layerNorm(
    x.reshaped(to: [x.shape[0], groups, -1]), weight: nil, bias: nil, epsilon: epsilon
  ).reshaped(to: x.shape).affineByChannel(weight: weight, bias: bias)
}
