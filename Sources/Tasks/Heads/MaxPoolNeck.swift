package import Layers
package import Recipes
package import Tensors

/// The first map as it is, and each further one max-pooled to half the size of the one before
/// (terratorch's `MaxpoolToPyramidal`).
package struct MaxPoolNeck: Neck {
  package static let name = "maxpool"
  package static let summary = "maps reduced by max-pools, without parameters"
  package static let options = NeckInput.options

  package let input: NeckInput
  package let levels: [PyramidLevel]

  package init(
    _ options: OptionReader, features: FeatureShape, in scope: Scope, _ diagnostics: Diagnostics
  ) {
    input = NeckInput(options, features: features, count: 1...16, diagnostics)
    levels = input.blocks.indices.prefix(16).map {
      PyramidLevel(width: features.width, reduction: 1 << $0)
    }
  }

  package func pyramid(of maps: [Tensor], _ context: ForwardContext) -> [Tensor] {
    zip(maps, levels).map { $0.maxPooled(by: $1.reduction) }
  }
}
