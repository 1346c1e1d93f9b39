package import Layers
package import Recipes
import Tensors

/// A masked autoencoder of a vision transformer (arXiv 2111.06377).
///
/// The encoder sees the patches that stay, the decoder restores the pixels of the others. Positions
/// are fixed sines and cosines. Paths are those of facebookresearch/mae, so that the encoder opens
/// as a `vit`.
package struct ViTMAE: MaskedAutoencoder {
  package let configuration: ViTMAEConfiguration
  private let embedding: ViTEmbedding
  private let blocks: [ViTBlock]
  private let norm: LayerNorm
  private let decoder: ViTMAEDecoder

  /// Path of the numbers that decide what is masked.
  package static let noisePath = "mask"

  package init(
    _ options: OptionReader, _ pretraining: PretrainingSection, for data: DataShape,
    in scope: Scope, _ diagnostics: Diagnostics
  ) {
    let encoder = ViTConfiguration(options, for: data, diagnostics)
    var configuration = ViTMAEConfiguration(encoder)
    configuration.decoderWidth = pretraining.decoderWidth
    configuration.decoderDepth = pretraining.decoderDepth
    configuration.decoderHeads = pretraining.decoderHeads
    configuration.maskRatio = pretraining.maskRatio
    configuration.normalizesPixels = pretraining.normalizesPixels
    configuration.loss = pretraining.loss
    for problem in configuration.contradictions {
      diagnostics.error(
        .rule(problem.what, mend: problem.mend), at: options.location, path: options.path)
    }
    let isSound = configuration.contradictions.isEmpty && encoder.contradictions.isEmpty
    self.init(isSound ? configuration : ViTMAEConfiguration(ViTConfiguration()), in: scope)
  }

  /// Builds the layers for a configuration.
  package init(_ configuration: ViTMAEConfiguration, in scope: Scope) {
    self.configuration = configuration
    let encoder = configuration.encoder
    embedding = ViTEmbedding(scope, encoder, fixedPositions: true)
    blocks = (0..<encoder.depth).map { ViTBlock(scope / "blocks" / $0, encoder, index: $0) }
    norm = LayerNorm(scope / "norm", width: encoder.width, epsilon: encoder.epsilon)
    decoder = ViTMAEDecoder(scope, configuration)
  }

  package func check(_ shapes: [String: [Int]]) throws(BackboneError) {
    for shape in shapes.values { try configuration.encoder.check(imageShape: shape) }
  }

  /// Masks `[batch, channel, height, width]` and restores it.
  ///
  /// Values by name: `latent` `[batch, prefix + kept, dim]`; `reconstruction` and `target`
  /// `[batch, patch, pixel · channel]`, elements ordered line, column, channel; `mask`
  /// `[batch, patch]`, 1 where a patch was removed; `ids_restore` `[batch, patch]` i32, the place of
  /// each patch in the order of the noise.
  package func callAsFunction(
    _ input: BackboneInput, _ context: ForwardContext
  ) -> Reconstruction {
    let image = input.only
    let (prefix, patches) = embedding.parts(image, context)
    let masking = PatchMasking(
      noise: context.uniform(Self.noisePath, batch: patches.shape[0], count: patches.shape[1]),
      kept: configuration.keptPatches)
    var x = embedding.joined(
      prefix, patches.gathered(axis: 1, indices: masking.kept), context)
    for block in blocks { x = context.block(x) { block($0, $1) } }
    let latent = norm(x)
    let prediction = decoder(latent, masking, context)
    let target = target(image)
    let loss = masking.mean(of: error(prediction, target))
    var result = Reconstruction(loss: loss)
    result.baseline =
      masking.mean(
        of: error(masking.visibleMeans(of: target, channels: image.shape[1]), target)
      ).scalar
    result.named = [
      "latent": latent, "reconstruction": prediction, "target": target, "mask": masking.mask,
      "ids_restore": masking.places,
    ]
    return result
  }

  /// Mean error of each patch, `[batch, patch]`.
  private func error(_ prediction: Tensor, _ target: Tensor) -> Tensor {
    let difference = prediction - target
    let errors =
      switch configuration.loss {
      case .mse: difference * difference
      case .l1: difference.leakyReLU(slope: -1)
      }
    return errors.averaged(over: [2]).reshaped(to: Array(target.shape[..<2]))
  }

  /// Pixels of each patch; with `norm_pix_loss` less their mean and over their deviation,
  /// √(unbiased variance + 1e-6).
  private func target(_ image: Tensor) -> Tensor {
    let pixels = pixelPatches(image, configuration.encoder.patch)
    guard configuration.normalizesPixels else { return pixels }
    let count = Double(pixels.shape[2])
    let bias = (count - 1) / count
    return layerNorm(pixels, weight: nil, bias: nil, epsilon: 1e-6 * bias)
      .scaled(by: bias.squareRoot())
  }
}

/// Cuts `[batch, channel, height, width]` into `[batch, patch, pixel · channel]`: patches line by
/// line, elements ordered line, column, channel.
func pixelPatches(_ image: Tensor, _ patch: [Int]) -> Tensor {
  let (batch, channels) = (image.shape[0], image.shape[1])
  let grid = [image.shape[2] / patch[0], image.shape[3] / patch[1]]
  return image.reshaped(to: [batch, channels, grid[0], patch[0], grid[1], patch[1]])
    .permuted([0, 2, 4, 3, 5, 1])
    .reshaped(to: [batch, grid[0] * grid[1], patch[0] * patch[1] * channels])
}
