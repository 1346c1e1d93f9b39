package import Tensors

/// Layer normalization over the channels of each pixel, with gain and shift.
package struct LayerNorm2D: Sendable {
  private let weight: Parameter
  private let bias: Parameter
  private let epsilon: Double

  /// Parameters `weight` and `bias`, both `[channels]`, 1 and 0 at first.
  package init(_ scope: Scope, channels: Int, epsilon: Double = 1e-6) {
    weight = scope.parameter("weight", shape: [channels], .ones)
    bias = scope.parameter("bias", shape: [channels], .zeros)
    self.epsilon = epsilon
  }

  /// From `[batch, channels, height, width]` to the same shape.
  package func callAsFunction(_ x: Tensor) -> Tensor {
    pixelNorm(x, weight: weight(), bias: bias(), epsilon: epsilon)
  }
}
