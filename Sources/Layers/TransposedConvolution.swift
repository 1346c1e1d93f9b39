package import Tensors

/// A transposed convolution over height and width whose stride is its kernel: every pixel becomes a
/// cell of pixels.
package struct TransposedConvolution: Sendable {
  private let weight: Parameter
  private let bias: Parameter

  /// Parameters `weight` `[inputs, outputs, kernel...]` and `bias` `[outputs]`.
  package init(_ scope: Scope, inputs: Int, outputs: Int, kernel: [Int]) {
    let fanIn = outputs * kernel.reduce(1, *)
    weight = scope.parameter("weight", shape: [inputs, outputs] + kernel, .fanIn(fanIn))
    bias = scope.parameter("bias", shape: [outputs], .fanIn(fanIn))
  }

  /// From `[batch, inputs, height, width]` to `[batch, outputs, kernel[0] · height, kernel[1] · width]`.
  package func callAsFunction(_ x: Tensor) -> Tensor {
    transposedConvolution(x, weight: weight(), bias: bias())
  }
}
