package import Layers
package import Tensors

/// The encoder that both the backbone and its masked pretraining have.
package struct LESSEncoder: Sendable {
  package let configuration: LESSConfiguration
  package let blocks: [LESSBlock]
  private let embeddings: [String: LESSEmbedding]
  private let globalToken: Parameter
  private let positionToken: Parameter
  private let channelToken: Parameter
  private let rotary: LESSRotary?
  let norm: LayerNorm

  init(_ scope: Scope, _ configuration: LESSConfiguration) {
    self.configuration = configuration
    embeddings = Dictionary(
      uniqueKeysWithValues: LESSViT.inputNames.map {
        ($0, LESSEmbedding(scope / "\($0)_patch_embed" / "proj", configuration))
      })
    func token(_ name: String) -> Parameter {
      scope.parameter(
        name, shape: [1, 1, configuration.width], .normal(standardDeviation: 0.02))
    }
    globalToken = token("cls_token")
    channelToken = token("spatial_cls_token")
    positionToken = token("channel_cls_token")
    rotary = configuration.isRotary ? LESSRotary(scope / "pos_chan_embed", configuration) : nil
    blocks = (0..<configuration.depth).map {
      LESSBlock(scope / "blocks" / $0, index: $0, configuration)
    }
    norm = lessNorm(scope / "norm", configuration.width)
  }

  /// Embedded patches with class tokens in row 0 (for each position, over channels) and column 0
  /// (for each channel, over positions): `[batch, channel + 1, position + 1, width]`.
  package func grid(_ input: BackboneInput, _ context: ForwardContext) -> Tensor {
    grid(input, positions: nil, context)
  }

  /// The same for chosen positions, which alone are embedded.
  func grid(
    _ input: BackboneInput, positions: LESSSelection?, _ context: ForwardContext
  ) -> Tensor {
    let parts = LESSViT.inputNames.compactMap { name in
      input.values[name].flatMap { image in
        let patches = channelPatches(image, configuration.patch)
        return embeddings[name]?(
          positions.map { patches.gathered(axis: 2, indices: $0.keptMembers) } ?? patches)
      }
    }
    let patches = parts.count == 1 ? parts[0] : Tensor.concatenated(parts, axis: 1)
    let (batch, channels, positions) = (patches.shape[0], patches.shape[1], patches.shape[2])
    func repeated(_ token: Parameter, _ rows: Int, _ columns: Int) -> Tensor {
      token().reshaped(to: [1, 1, 1, -1])
        .expanded(to: [batch, rows, columns, configuration.width])
    }
    let columns = Tensor.concatenated([repeated(positionToken, 1, positions), patches], axis: 1)
    let first = Tensor.concatenated(
      [repeated(globalToken, 1, 1), repeated(channelToken, channels, 1)], axis: 1)
    return .concatenated([first, columns], axis: 2)
  }

  /// Where the tokens of `grid` lie.
  package func place(_ input: BackboneInput) -> LESSPlace {
    LESSPlace(configuration, input, rotary: rotary)
  }

  /// Runs the blocks and the final norm on a grid whose positions are added.
  ///
  /// `outputs` are those of the blocks numbered in `wanted`.
  func encoded(
    _ grid: Tensor, _ place: LESSPlace, wanted: Set<Int> = [], _ context: ForwardContext
  ) -> (grid: Tensor, outputs: [Int: Tensor]) {
    var x = grid
    var outputs: [Int: Tensor] = [:]
    for (index, block) in blocks.enumerated() {
      x = context.block(x) { block($0, place, $1) }
      if wanted.contains(index) { outputs[index] = x }
    }
    return (norm(x), outputs)
  }

  /// Parameters of the embedding of an input.
  func embeddingParameters(_ name: String) -> [Parameter] { embeddings[name]?.parameters ?? [] }
}
