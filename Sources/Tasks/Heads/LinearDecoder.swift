package import Layers
package import Recipes
package import Tensors

/// One linear map of each token to the outputs, enlarged to the image.
package struct LinearDecoder: Decoder {
  package static let name = "linear"
  package static let summary = "one linear layer on each token of a block, enlarged bilinearly"
  package static let options: OptionTable = [
    Option(
      "block", .integer, default: .described("the last"), range: .atLeast(0),
      "number of the block whose map is taken"),
    DenseHead.dropoutOption(0),
  ]

  package let blocks: [Int]
  private let head: DenseHead

  package init(
    _ options: OptionReader, features: FeatureShape, outputs: Int, in scope: Scope,
    _ diagnostics: Diagnostics
  ) {
    blocks = [options.block(of: features, diagnostics)]
    head = DenseHead(
      scope / "head", inputs: features.width, outputs: outputs,
      dropout: options.number("dropout"))
  }

  package func callAsFunction(
    _ features: Features, imageSize: [Int], _ context: ForwardContext
  ) -> Tensor { head(features.map(blocks[0]), imageSize: imageSize, context) }
}
