package import Layers
package import Recipes
package import Tensors

/// One transposed convolution from each token to the pixels of its patch (terratorch's linear
/// decoder).
package struct LinearTransposeDecoder: Decoder {
  package static let name = "linear-transpose"
  package static let summary = "one linear layer from each token of a block to its patch of pixels"
  package static let options: OptionTable = [
    Option(
      "block", .integer, default: .described("the last"), range: .atLeast(0),
      "number of the block whose map is taken"),
    Option(
      "upsampling_size", .integer, default: .described("the patch"), range: .atLeast(1),
      unit: "pixels", "side of the square that a token becomes"),
  ]

  package static var layouts: [KeyLayout] {
    [KeyLayout("attune") { $0 }, KeyLayout("terratorch") { $0 }]
  }

  package let blocks: [Int]
  private let convolution: TransposedConvolution

  package init(
    _ options: OptionReader, features: FeatureShape, outputs: Int, in scope: Scope,
    _ diagnostics: Diagnostics
  ) {
    blocks = [options.block(of: features, diagnostics)]
    let side = options.optionalInt("upsampling_size").map { max(1, $0) }
    convolution = TransposedConvolution(
      scope / "conv", inputs: features.width, outputs: outputs,
      kernel: side.map { [$0, $0] } ?? features.patch)
  }

  /// Where the squares do not fill the image, the result is enlarged bilinearly.
  package func callAsFunction(
    _ features: Features, imageSize: [Int], _ context: ForwardContext
  ) -> Tensor {
    convolution(features.map(blocks[0]))
      .resized(to: imageSize, .bilinear(alignsCorners: false))
  }
}
