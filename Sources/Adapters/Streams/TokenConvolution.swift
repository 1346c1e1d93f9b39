import Layers
import Tensors

/// A convolution along the sequence of tokens, zeros beyond its ends.
struct TokenConvolution: Sendable {
  /// `[channels, channels / groups, taps]`.
  let weight: Parameter
  let bias: Parameter
  private let groups: Int

  var parameters: [Parameter] { [weight, bias] }

  /// `taps` must be odd.
  init(_ scope: BranchScope, _ name: String, channels: Int, taps: Int, groups: Int = 1) {
    self.groups = groups
    weight = scope.parameter(
      name + ".weight", [channels, channels / groups, taps], .fanIn(channels / groups * taps))
    bias = scope.parameter(name + ".bias", [channels], .zeros)
  }

  /// From `[batch, token, channels]` to `[batch, channels, 1, token]`.
  func callAsFunction(_ x: Tensor) -> Tensor {
    let taps = weight.shape[2]
    return convolution(
      x.permuted([0, 2, 1]).reshaped(to: [x.shape[0], x.shape[2], 1, x.shape[1]]),
      weight: weight().reshaped(to: [weight.shape[0], weight.shape[1], 1, taps]), bias: bias(),
      geometry: ConvolutionGeometry(padding: [0, 0, taps / 2], groups: groups))
  }

  /// From `[batch, channels, 1, token]` to `[batch, token, channels]`.
  static func tokens(_ y: Tensor) -> Tensor {
    y.reshaped(to: [y.shape[0], y.shape[1], y.shape[3]]).permuted([0, 2, 1])
  }
}
