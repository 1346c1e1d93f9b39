package import Layers
package import Recipes
package import Tensors

/// What turns a backbone's features into a task's outputs: a classification head or a dense decoder.
package protocol Decoder: RegistryEntry, Sendable {
  /// Builds the layers for features of a shape and a number of outputs (classes or values).
  ///
  /// What does not fit is recorded in `diagnostics`; the result is then not used.
  init(
    _ options: OptionReader, features: FeatureShape, outputs: Int, in scope: Scope,
    _ diagnostics: Diagnostics)

  /// Numbers of the blocks whose feature maps it takes, in order; empty for pooled features.
  var blocks: [Int] { get }

  /// From features to `[batch, output]`, or to `[batch, output, height, width]` in the size of the
  /// image.
  func callAsFunction(
    _ features: Features, imageSize: [Int], _ context: ForwardContext
  ) -> Tensor
}

/// The heads and decoders that recipes can name.
package let decoders = Registry<any Decoder.Type>(kind: "decoder", [])
