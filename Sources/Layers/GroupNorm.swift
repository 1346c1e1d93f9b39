package import Tensors

/// Group normalization with gain and shift for every channel.
package struct GroupNorm: Sendable {
  private let weight: Parameter
  private let bias: Parameter
  private let groups: Int
  private let epsilon: Double

  /// Parameters `weight` and `bias`, both `[channels]`, 1 and 0 at first; `groups` divides `channels`.
  package init(_ scope: Scope, groups: Int, channels: Int, epsilon: Double = 1e-5) {
    weight = scope.parameter("weight", shape: [channels], .ones)
    bias = scope.parameter("bias", shape: [channels], .zeros)
    self.groups = groups
    self.epsilon = epsilon
  }

  /// From `[batch, channels, ...]` to the same shape.
  package func callAsFunction(_ x: Tensor) -> Tensor {
    groupNorm(x, groups: groups, weight: weight(), bias: bias(), epsilon: epsilon)
  }
}
