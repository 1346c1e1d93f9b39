import Layers
import Tensors

/// From images to tokens: patches, class and register tokens, positions.
struct ViTEmbedding: Sendable {
  private let configuration: ViTConfiguration
  private let patches: Convolution
  private let prefixTokens: [Parameter]
  private let table: Parameter?
  private let dropout: Dropout
  private let norm: LayerNorm?

  /// With `fixedPositions` the table is stored, but not trained, and holds sines and cosines at
  /// first.
  init(_ scope: Scope, _ configuration: ViTConfiguration, fixedPositions: Bool = false) {
    self.configuration = configuration
    let width = configuration.width
    var tokens: [Parameter] = []
    func token(_ name: String, count: Int) {
      guard count > 0 else { return }
      tokens.append(
        scope.parameter(name, shape: [1, count, width], .normal(standardDeviation: 1e-6)))
    }
    token("cls_token", count: configuration.hasClassToken ? 1 : 0)
    token("reg_token", count: configuration.registers)
    prefixTokens = tokens
    let grid = configuration.grid
    let shape = [1, configuration.positionPrefix + grid[0] * grid[1], width]
    table =
      switch (configuration.positions, fixedPositions) {
      case (.none, _): nil
      case (.learned, false): scope.parameter("pos_embed", shape: shape, ViT.weights)
      case (.learned, true):
        scope.buffer(
          "pos_embed", shape: shape,
          .values(
            sineCosineTable(prefix: configuration.positionPrefix, grid: grid, width: width)))
      }
    patches = Convolution(
      scope / "patch_embed" / "proj", inputs: configuration.channels, outputs: width,
      kernel: configuration.patch,
      geometry: ConvolutionGeometry(stride: [1] + configuration.patch),
      bias: !configuration.hasPreNorm)
    dropout = Dropout(scope / "pos_drop", probability: configuration.positionDropout)
    norm =
      configuration.hasPreNorm
      ? LayerNorm(scope / "norm_pre", width: width, epsilon: configuration.epsilon) : nil
  }

  /// From `[batch, channel, height, width]` to what enters the first block,
  /// `[batch, prefix + patch, dim]`: class token, registers, patches line by line.
  func callAsFunction(_ image: Tensor, _ context: ForwardContext) -> Tensor {
    let (prefix, patches) = parts(image, context)
    return joined(prefix, patches, context)
  }

  /// Prefix tokens `[batch, prefix, dim]`, where there are any, and patches `[batch, patch, dim]`,
  /// both with their positions.
  func parts(_ image: Tensor, _ context: ForwardContext) -> (prefix: Tensor?, patches: Tensor) {
    let batch = image.shape[0]
    let map = patches(image, context)
    let grid = Array(map.shape[2...])
    var tokens = map.reshaped(to: [batch, map.shape[1], -1]).permuted([0, 2, 1])
    context.observe("patch_embed", tokens)
    var prefix =
      prefixTokens.isEmpty ? nil : Tensor.concatenated(prefixTokens.map { $0() }, axis: 1)
    if let table {
      let positions = resampledPositionTable(
        table(), prefix: configuration.positionPrefix, from: configuration.grid, to: grid,
        configuration.interpolation)
      let (first, rows) = (configuration.positionPrefix, positions.shape[1])
      tokens = tokens + positions.sliced(axis: 1, first..<rows).reshaped(to: [rows - first, -1])
      if first > 0 { prefix = prefix.map { $0 + positions.sliced(axis: 1, 0..<first) } }
    }
    return (prefix.map { $0.expanded(to: [batch] + $0.shape[1...]) }, tokens)
  }

  /// The tokens of a sequence, prefix first, ready for the blocks.
  func joined(_ prefix: Tensor?, _ patches: Tensor, _ context: ForwardContext) -> Tensor {
    var x = prefix.map { Tensor.concatenated([$0, patches], axis: 1) } ?? patches
    if table != nil { x = dropout(x, context) }
    if let norm { x = norm(x) }
    context.observe("embeddings", x)
    return x
  }
}
