package import Layers
package import Recipes
package import Tensors

/// Four times and twice the size by transposed convolutions that halve the width, the map itself,
/// and half the size (terratorch's `LearnedInterpolateToPyramidal`).
package struct LearnedNeck: Neck {
  package static let name = "learned"
  package static let summary = "transposed convolutions that halve the width, and a max-pool"
  package static let options = NeckInput.options
  package static var layouts: [KeyLayout] {
    [KeyLayout("attune") { $0 }, KeyLayout("terratorch") { $0 }]
  }

  package let input: NeckInput
  package let levels: [PyramidLevel]
  private let enlargement: NeckEnlargement

  package init(
    _ options: OptionReader, features: FeatureShape, in scope: Scope, _ diagnostics: Diagnostics
  ) {
    input = NeckInput(options, features: features, count: 4...4, diagnostics)
    let width = features.width
    if width % 4 != 0 {
      diagnostics.error(
        .rule(
          "the backbone's width \(width) cannot be halved twice", mend: "use neck feature2pyramid"),
        at: options.location, path: options.path)
    }
    enlargement = NeckEnlargement(
      fourfold: scope / "fpn1", twofold: scope / "fpn2", width: width,
      narrowed: [width / 2, width / 4])
    levels = enlargement.levels
  }

  package func pyramid(of maps: [Tensor], _ context: ForwardContext) -> [Tensor] {
    enlargement(maps, context)
  }
}
