package import Tensors

/// Layer normalization over the last axis with gain and shift.
package struct LayerNorm: Sendable {
  package let weight: Parameter
  package let bias: Parameter
  package let epsilon: Double

  /// Parameters `weight` and `bias`, both `[width]`, 1 and 0 at first.
  package init(_ scope: Scope, width: Int, epsilon: Double) {
    weight = scope.parameter("weight", shape: [width], .ones)
    bias = scope.parameter("bias", shape: [width], .zeros)
    self.epsilon = epsilon
  }

  /// From `[..., width]` to the same shape, and to another type where asked.
  package func callAsFunction(_ x: Tensor, type: DType? = nil) -> Tensor {
    layerNorm(x, weight: weight(), bias: bias(), epsilon: epsilon, type: type ?? x.dtype)
  }
}
