package import Layers
package import Recipes
package import Tensors

/// Four times and twice the size by transposed convolutions that keep the width, the map itself, and
/// half the size (BEiT's, and mmsegmentation's `Feature2Pyramid`).
package struct FeatureToPyramidNeck: Neck {
  package static let name = "feature2pyramid"
  package static let summary = "transposed convolutions that keep the width, and a max-pool"
  package static let options = NeckInput.options
  package static var layouts: [KeyLayout] {
    [
      KeyLayout("attune") { $0 }, KeyLayout("pangaea") { $0 },
      KeyLayout("transformers") { path in
        path.replacingPrefix("neck.ops.0.0.", with: "fpn1.conv_transpose1.")
          .replacingPrefix("neck.ops.0.1.", with: "fpn1.normalization.")
          .replacingPrefix("neck.ops.0.3.", with: "fpn1.conv_transpose2.")
          .replacingPrefix("neck.ops.1.0.", with: "fpn2.")
      },
    ]
  }

  package let input: NeckInput
  package let levels: [PyramidLevel]
  private let enlargement: NeckEnlargement

  package init(
    _ options: OptionReader, features: FeatureShape, in scope: Scope, _ diagnostics: Diagnostics
  ) {
    input = NeckInput(options, features: features, count: 4...4, diagnostics)
    enlargement = NeckEnlargement(
      fourfold: scope / "ops" / 0, twofold: scope / "ops" / 1, width: features.width,
      narrowed: [features.width, features.width])
    levels = enlargement.levels
  }

  package func pyramid(of maps: [Tensor], _ context: ForwardContext) -> [Tensor] {
    enlargement(maps, context)
  }
}
