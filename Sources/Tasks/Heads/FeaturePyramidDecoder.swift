package import Layers
package import Recipes
package import Tensors

/// Feature pyramid network (arXiv 1612.03144, as torchvision builds it) with a linear map of each
/// pixel of the finest level.
package struct FeaturePyramidDecoder: Decoder {
  package static let name = "fpn"
  package static let summary = "feature pyramid network, a linear layer on its finest level"
  package static let needsPyramid = true
  package static let options: OptionTable = [
    Option("channels", .integer, default: 256, range: .atLeast(1), "channels of every level"),
    DenseHead.dropoutOption(0),
  ]

  package static var layouts: [KeyLayout] {
    [
      KeyLayout("attune") { $0 },
      KeyLayout("terratorch") { path in
        path.replacingPrefix("decoder.head.", with: "head.head.2.")
          .replacingPrefix("decoder.", with: "neck.fpn.")
      },
    ]
  }

  package let blocks: [Int] = []
  private let laterals: [Convolution]
  private let outputs: [Convolution]
  private let head: DenseHead

  package init(
    _ options: OptionReader, features: FeatureShape, outputs: Int, in scope: Scope,
    _ diagnostics: Diagnostics
  ) {
    let channels = max(1, options.int("channels"))
    let levels = features.fourLevels(for: Self.name, options, diagnostics)
    laterals = levels.enumerated().map { index, level in
      Convolution(
        scope / "inner_blocks" / index / 0, inputs: level.width, outputs: channels, kernel: [1, 1])
    }
    self.outputs = levels.indices.map { index in
      Convolution(
        scope / "layer_blocks" / index / 0, inputs: channels, outputs: channels, kernel: [3, 3],
        geometry: .planar(padding: 1))
    }
    head = DenseHead(
      scope / "head", inputs: channels, outputs: outputs, dropout: options.number("dropout"))
  }

  /// All levels of the network, finest first, `[batch, channels, height, width]`.
  package func levels(of pyramid: [Tensor], _ context: ForwardContext) -> [Tensor] {
    zip(outputs, merged(pyramid, context)).map { $0($1, context) }
  }

  package func callAsFunction(
    _ features: Features, imageSize: [Int], _ context: ForwardContext
  ) -> Tensor {
    let finest = merged(features.pyramid, context)[0]
    return head(outputs[0](finest, context), imageSize: imageSize, context)
  }

  /// Each level's own map plus the coarser level enlarged, finest first.
  private func merged(_ pyramid: [Tensor], _ context: ForwardContext) -> [Tensor] {
    var sums = zip(laterals, pyramid).map { $0($1, context) }
    for level in sums.indices.dropLast().reversed() {
      sums[level] =
        sums[level] + sums[level + 1].resized(to: sums[level].imageSize, .nearest)
    }
    return sums
  }
}
