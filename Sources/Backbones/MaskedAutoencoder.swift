package import Layers
package import Recipes
package import Tensors

/// Encoder and light decoder of an architecture that learns by reconstructing masked input
/// (arXiv 2111.06377).
///
/// Masks are drawn by `ForwardContext.uniform`, so that they depend on seed, step and sample alone.
package protocol MaskedAutoencoder: Sendable {
  /// Builds the layers from the backbone's options and `model.pretrain`.
  init(
    _ options: OptionReader, _ pretraining: PretrainingSection, for data: DataShape,
    in scope: Scope, _ diagnostics: Diagnostics)

  /// Checkpoint layouts that this model reads, the one that it writes first.
  var layouts: [KeyLayout] { get }

  /// Refuses inputs that the architecture cannot take, by name and shape.
  func check(_ shapes: [String: [Int]]) throws(BackboneError)

  /// Refuses a batch by its shapes, and where it lacks band centers or a resolution that the
  /// architecture needs.
  func check(_ input: BackboneInput) throws(BackboneError)

  /// Masks, encodes, decodes and compares.
  func callAsFunction(_ input: BackboneInput, _ context: ForwardContext) -> Reconstruction
}

extension MaskedAutoencoder {
  package func check(_ input: BackboneInput) throws(BackboneError) {
    try check(input.values.mapValues(\.shape))
  }
}

/// What a masked autoencoder gives for a batch.
package struct Reconstruction: Sendable {
  /// Mean over the batch, a scalar.
  package var loss: Tensor
  /// The loss of the trivial guess: every masked value is the mean of the visible ones of its
  /// sample and channel.
  package var baseline: Double?
  /// Intermediate values by name, for parity cases and pictures.
  package var named: [String: Tensor]

  package init(loss: Tensor, baseline: Double? = nil, named: [String: Tensor] = [:]) {
    self.loss = loss
    self.baseline = baseline
    self.named = named
  }
}
