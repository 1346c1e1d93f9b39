import Layers
import Tensors

/// The light decoder of Hyper-MAE: learned tokens stand where the encoder saw nothing
/// (less-vit.md, section 9.2).
struct LESSDecoder: Sendable {
  private let configuration: LESSConfiguration
  private let embedding: Linear
  private let maskToken: Parameter
  private let channelMaskToken: Parameter
  private let positionMaskToken: Parameter
  private let blocks: [LESSBlock]
  private let norm: LayerNorm
  private let predictions: [String: Linear]

  init(_ scope: Scope, _ configuration: LESSConfiguration, encoderWidth: Int) {
    self.configuration = configuration
    let (width, patch) = (configuration.width, configuration.patch)
    embedding = lessLinear(scope / "decoder_embed", encoderWidth, width)
    func token(_ name: String) -> Parameter {
      scope.parameter(name, shape: [1, 1, 1, width], .normal(standardDeviation: 0.02))
    }
    maskToken = token("mask_token")
    channelMaskToken = token("spatial_mask_token")
    positionMaskToken = token("channel_mask_token")
    // The reference stores the decoder's periods, though its blocks are built without rotation.
    if configuration.isRotary { _ = LESSRotary(scope / "pos_chan_embed", configuration) }
    blocks = (0..<configuration.depth).map {
      LESSBlock(scope / "decoder_blocks" / $0, index: $0, configuration)
    }
    norm = lessNorm(scope / "decoder_norm", width)
    predictions = Dictionary(
      uniqueKeysWithValues: LESSViT.inputNames.map {
        ($0, lessLinear(scope / "decoder_\($0)_pred", width, patch * patch))
      })
  }

  /// Patches of all channels of `input` from the encoder's result for some of them.
  ///
  /// From `latent` `[batch, kept channel + 1, kept position + 1, width]` to
  /// `[batch, channel, position, patch · patch]`. `channels` is what was kept of the encoded channels,
  /// which begin at channel `start` of `input`, and `positions` what was kept of the positions.
  func callAsFunction(
    _ latent: Tensor, channels: LESSSelection, start: Int, positions: LESSSelection,
    _ input: BackboneInput, _ context: ForwardContext
  ) -> Tensor {
    let place = LESSPlace(configuration, input, rotary: nil)
    let counts = LESSViT.inputNames.map { input.values[$0]?.shape[1] ?? 0 }
    let total = counts.reduce(0, +)
    var x = restored(
      embedding(latent, context),
      channels: channels.restoringIndices(total: total, start: start),
      positions: positions.restoringIndices(total: positions.count, start: 0))
    if let table = place.table { x = x + table }
    for block in blocks { x = context.block(x) { block($0, place, $1) } }
    let tokens = norm(x).sliced(axis: 1, 1..<(total + 1))
      .sliced(axis: 2, 1..<(positions.count + 1))
    var parts: [Tensor] = []
    var first = 0
    for (name, count) in zip(LESSViT.inputNames, counts) where count > 0 {
      if let prediction = predictions[name] {
        parts.append(prediction(tokens.sliced(axis: 1, first..<(first + count)), context))
      }
      first += count
    }
    return parts.count == 1 ? parts[0] : .concatenated(parts, axis: 1)
  }

  /// Mask tokens for masked positions of every kept channel, then rows of mask tokens for masked and
  /// missing channels; the class row has a mask token of its own, as has the class column.
  private func restored(_ x: Tensor, channels: Tensor, positions: Tensor) -> Tensor {
    let (batch, rows, width) = (x.shape[0], x.shape[1], x.shape[3])
    func repeated(_ token: Parameter, _ rows: Int, _ columns: Int) -> Tensor {
      token().expanded(to: [batch, rows, columns, width])
    }
    let maskedColumn = Tensor.concatenated(
      [repeated(positionMaskToken, 1, 1), repeated(maskToken, rows - 1, 1)], axis: 1)
    let widened = Tensor.concatenated([x, maskedColumn], axis: 2)
      .gathered(axis: 2, indices: positions)
    let maskedRow = Tensor.concatenated(
      [repeated(channelMaskToken, 1, 1), repeated(maskToken, 1, widened.shape[2] - 1)], axis: 2)
    return Tensor.concatenated([widened, maskedRow], axis: 1)
      .gathered(axis: 1, indices: channels)
  }

  /// Parameters that predict an input's patches.
  func predictionParameters(_ name: String) -> [Parameter] {
    predictions[name].map { [$0.site.weight] + ($0.site.bias.map { [$0] } ?? []) } ?? []
  }
}
