package import Layers
package import Recipes
package import Tensors

/// What turns a backbone's features into a task's outputs: a head on pooled features, or a dense
/// decoder.
package protocol Decoder: RegistryEntry, Sendable {
  /// Whether it takes the pyramid of a neck, of four levels.
  static var needsPyramid: Bool { get }
  /// How programs name its parameters in their files, our own way first.
  ///
  /// Paths are those of a model whose neck and decoder are named `neck` and `decoder`.
  static var layouts: [KeyLayout] { get }

  /// Builds the layers for features of a shape and a number of outputs (classes or values).
  ///
  /// A decoder that takes a pyramid is given the shape that the neck gives. What does not fit is
  /// recorded in `diagnostics`; the result is then not used.
  init(
    _ options: OptionReader, features: FeatureShape, outputs: Int, in scope: Scope,
    _ diagnostics: Diagnostics)

  /// Numbers of the blocks whose feature maps it takes, in order; empty for pooled features, and
  /// where a neck takes them.
  var blocks: [Int] { get }

  /// Refuses images, height and width in pixels, and numbers of samples of one forward pass that it
  /// cannot take.
  func check(imageSize: [Int], samples: Int, isTraining: Bool) throws(TaskError)

  /// From features to `[batch, output]`, or to `[batch, output, height, width]` in the size of the
  /// image.
  func callAsFunction(
    _ features: Features, imageSize: [Int], _ context: ForwardContext
  ) -> Tensor
}

extension Decoder {
  package static var needsPyramid: Bool { false }
  package static var layouts: [KeyLayout] { [KeyLayout("attune") { $0 }] }
  package func check(imageSize: [Int], samples: Int, isTraining: Bool) throws(TaskError) {}
}

/// The heads that recipes can name: from pooled features to one vector for a sample.
package let heads = Registry<any Decoder.Type>(
  kind: "head",
  [
    LinearHead.self,
    MoELinearHead.self,
  ])

/// The dense decoders that recipes can name: from feature maps to values for every pixel.
package let decoders = Registry<any Decoder.Type>(
  kind: "decoder",
  [
    FeaturePyramidDecoder.self,
    LESSConvolutionDecoder.self,
    LESSUPerNet.self,
    LinearDecoder.self,
    LinearTransposeDecoder.self,
    SemanticFPN.self,
    UPerNet.self,
  ])
