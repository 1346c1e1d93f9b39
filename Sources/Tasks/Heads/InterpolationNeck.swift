package import Layers
package import Recipes
package import Tensors

/// Maps enlarged by repeating pixels, the last twice and each before it twice as much as the next
/// (terratorch's `InterpolateToPyramidal`).
package struct InterpolationNeck: Neck {
  package static let name = "interpolate"
  package static let summary = "maps enlarged by repeating pixels, without parameters"
  package static let options = NeckInput.options

  package let input: NeckInput
  package let levels: [PyramidLevel]

  package init(
    _ options: OptionReader, features: FeatureShape, in scope: Scope, _ diagnostics: Diagnostics
  ) {
    input = NeckInput(options, features: features, count: 1...16, diagnostics)
    let count = min(input.blocks.count, 16)
    levels = (0..<count).map { PyramidLevel(width: features.width, enlargement: 1 << (count - $0)) }
  }

  package func pyramid(of maps: [Tensor], _ context: ForwardContext) -> [Tensor] {
    zip(maps, levels).map { map, level in
      map.resized(to: map.imageSize.map { $0 * level.enlargement }, .nearest)
    }
  }
}
