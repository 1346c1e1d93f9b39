import Layers
import Tensors

/// Convolution, batch norm, ReLU.
struct ConvolutionUnit: Sendable {
  private let convolution: Convolution
  private let norm: BatchNorm

  /// The kernel is square and padded to keep the size.
  init(_ scope: Scope, inputs: Int, outputs: Int, kernel: Int, bias: Bool) {
    convolution = Convolution(
      scope / "conv", inputs: inputs, outputs: outputs, kernel: [kernel, kernel],
      geometry: .planar(padding: kernel / 2), bias: bias)
    norm = BatchNorm(scope / "norm", channels: outputs)
  }

  /// `[batch, inputs, height, width]` to `[batch, outputs, height, width]`.
  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    norm(convolution(x, context), context).relu()
  }
}
