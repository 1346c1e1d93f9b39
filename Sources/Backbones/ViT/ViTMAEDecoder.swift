import Layers
import Tensors

/// The light decoder of a masked autoencoder: mask tokens in the places of removed patches, blocks,
/// and a linear map to pixels.
struct ViTMAEDecoder: Sendable {
  private let prefixCount: Int
  private let embedding: Linear
  private let maskToken: Parameter
  private let positions: Parameter
  private let blocks: [ViTBlock]
  private let norm: LayerNorm
  private let prediction: Linear

  /// Paths beside the encoder's, each beginning with `decoder_`, and `mask_token`.
  init(_ scope: Scope, _ configuration: ViTMAEConfiguration) {
    let own = configuration.decoder
    let encoder = configuration.encoder
    prefixCount = encoder.prefixCount
    embedding = Linear(
      scope / "decoder_embed", inputs: encoder.width, outputs: own.width,
      initialization: ViT.weights)
    maskToken = scope.parameter("mask_token", shape: [1, 1, own.width], ViT.weights)
    positions = scope.buffer(
      "decoder_pos_embed", shape: [1, prefixCount + configuration.patchCount, own.width],
      .values(sineCosineTable(prefix: prefixCount, grid: encoder.grid, width: own.width)))
    blocks = (0..<own.depth).map { ViTBlock(scope / "decoder_blocks" / $0, own, index: $0) }
    norm = LayerNorm(scope / "decoder_norm", width: own.width, epsilon: own.epsilon)
    prediction = Linear(
      scope / "decoder_pred", inputs: own.width, outputs: configuration.patchValues,
      initialization: ViT.weights)
  }

  /// From the encoder's `[batch, prefix + kept, dim]` to all patches, `[batch, patch, value]`.
  func callAsFunction(
    _ latent: Tensor, _ masking: PatchMasking, _ context: ForwardContext
  ) -> Tensor {
    let embedded = embedding(latent, context)
    let (batch, count, width) = (embedded.shape[0], embedded.shape[1], embedded.shape[2])
    let removed = masking.places.shape[1] - (count - prefixCount)
    let patches = Tensor.concatenated(
      [
        embedded.sliced(axis: 1, prefixCount..<count),
        maskToken().expanded(to: [batch, removed, width]),
      ], axis: 1
    ).gathered(axis: 1, indices: masking.places)
    var x =
      prefixCount == 0
      ? patches
      : .concatenated([embedded.sliced(axis: 1, 0..<prefixCount), patches], axis: 1)
    x = x + positions().reshaped(to: Array(x.shape[1...]))
    for block in blocks { x = context.block(x) { block($0, $1) } }
    return prediction(norm(x), context).sliced(axis: 1, prefixCount..<x.shape[1])
  }
}
