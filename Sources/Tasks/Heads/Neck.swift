package import Layers
package import Recipes
package import Tensors

/// How the maps of a backbone's blocks become the pyramid that a dense decoder takes.
///
/// A conformer makes the pyramid; which maps it gets, and their norm, are the same for all.
package protocol Neck: RegistryEntry, Sendable {
  /// How programs name its parameters in their files, our own way first.
  ///
  /// Paths are those of a model whose neck is named `neck`.
  static var layouts: [KeyLayout] { get }

  /// Builds the layers for a backbone's features.
  ///
  /// What does not fit is recorded in `diagnostics`; the result is then not used.
  init(
    _ options: OptionReader, features: FeatureShape, in scope: Scope, _ diagnostics: Diagnostics)

  var input: NeckInput { get }

  /// What `pyramid` gives, finest first.
  var levels: [PyramidLevel] { get }

  /// From one map `[batch, width, height, width]` for each block to the levels.
  func pyramid(of maps: [Tensor], _ context: ForwardContext) -> [Tensor]
}

extension Neck {
  package static var layouts: [KeyLayout] { [KeyLayout("attune") { $0 }] }

  /// Numbers of the blocks whose feature maps it takes, in order.
  package var blocks: [Int] { input.blocks }

  /// The backbone's features with the pyramid: what a decoder is built for.
  package var features: FeatureShape {
    var features = input.features
    features.pyramid = levels
    return features
  }

  /// Refuses images, height and width in pixels, that leave a level without pixels.
  package func check(imageSize: [Int]) throws(TaskError) {
    let sizes = levels.map { features.size(of: $0, imageSize: imageSize) }
    guard sizes.joined().contains(0) else { return }
    let largest = levels.map { ($0.reduction + $0.enlargement - 1) / $0.enlargement }.max() ?? 1
    throw .imageDoesNotFit(
      component: "neck \(Self.name)", imageSize: imageSize,
      reason: "its maps are \(sizes.map(\.byWord).joined(separator: ", "))",
      mend: "Use an image of \(input.features.patch.map { largest * $0 }.byWord) pixels or more")
  }

  /// The features with the pyramid of their maps.
  package func callAsFunction(_ features: Features, _ context: ForwardContext) -> Features {
    var result = features
    result.pyramid = pyramid(of: input(features), context)
    return result
  }
}

/// The necks that recipes can name.
package let necks = Registry<any Neck.Type>(
  kind: "neck",
  [
    FeatureToPyramidNeck.self,
    InterpolationNeck.self,
    LearnedNeck.self,
    MaxPoolNeck.self,
  ])
