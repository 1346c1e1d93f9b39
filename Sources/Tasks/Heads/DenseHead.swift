import Layers
import Recipes
import Tensors

/// The end of a dense decoder: dropout of whole channels, a linear map of each pixel to the outputs,
/// and bilinear enlargement to the image.
struct DenseHead: Sendable {
  /// The option of the decoders that end with it.
  static func dropoutOption(_ standard: OptionDefault) -> Option {
    Option(
      "dropout", .number, default: standard, range: .within(0..<1),
      "dropout of whole channels before the last layer")
  }

  private let dropout: Dropout
  private let layer: Convolution

  init(_ scope: Scope, inputs: Int, outputs: Int, dropout: Double) {
    self.dropout = Dropout(scope, probability: dropout)
    layer = Convolution(
      scope, inputs: inputs, outputs: outputs, kernel: [1, 1], labels: ["conv", "head"])
  }

  /// From `[batch, inputs, height, width]` to `[batch, outputs]` and the size of the image.
  func callAsFunction(_ map: Tensor, imageSize: [Int], _ context: ForwardContext) -> Tensor {
    layer(dropout.channels(map, context), context)
      .resized(to: imageSize, .bilinear(alignsCorners: false))
  }
}
