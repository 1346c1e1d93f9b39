package import Layers
package import Tensors

/// A block: low-rank attention over the grid, then an MLP on every token.
///
/// For adapters of the stream every channel is a sample of its own, with its positions as the grid.
package struct LESSBlock: Sendable {
  /// What the attention computes on its way.
  package struct Attended: Sendable {
    /// `[batch, channel, channel width]` and `[batch, position, spatial width]`.
    package let pooledChannels: Tensor
    package let pooledPositions: Tensor
    /// `[batch, channel, heads · rank · head width]`, and the same over positions.
    package let channelBranch: Tensor
    package let spatialBranch: Tensor
    /// `[batch, channel, position, width]`.
    package let output: Tensor
  }

  private let site: BlockSite
  private let norm1: LayerNorm
  private let pools: LESSPools
  private let channelNorm: LayerNorm
  private let spatialNorm: LayerNorm
  private let channelBranch: LESSBranch
  private let spatialBranch: LESSBranch
  private let projection: Linear
  private let projectionDropout: Dropout
  private let attentionScale: Parameter?
  private let attentionPath: DropPath
  private let norm2: LayerNorm
  private let hidden: Linear
  private let hiddenDropout: Dropout
  private let output: Linear
  private let outputDropout: Dropout
  private let mlpScale: Parameter?
  private let mlpPath: DropPath
  private let configuration: LESSConfiguration

  /// Block `index` of the configuration's depth; generation 1 spells the paths.
  init(_ scope: Scope, index: Int, _ configuration: LESSConfiguration) {
    let width = configuration.width
    site = scope.block(width: width)
    self.configuration = configuration
    norm1 = lessNorm(scope / "norm1", width)
    pools = LESSPools(scope / "low_dim_pool", configuration)
    channelNorm = lessNorm(scope / "channel_norm", configuration.channelWidth)
    spatialNorm = lessNorm(scope / "spatial_norm", configuration.spatialWidth)
    let attention = scope / "attn"
    channelBranch = LESSBranch(
      attention / "channel_branch", width: configuration.channelWidth, configuration)
    spatialBranch = LESSBranch(
      attention / "spatial_branch", width: configuration.spatialWidth, configuration)
    projection = lessLinear(attention / "proj", width, width, groups: lessAttentionGroups)
    let drop = configuration.projectionDropout
    projectionDropout = Dropout(attention / "proj_drop", probability: drop)
    norm2 = lessNorm(scope / "norm2", width)
    let (mlp, groups) = (scope / "mlp", ["mlp", "all-linear"])
    hidden = lessLinear(mlp / "fc1", width, configuration.mlpWidth, groups: groups)
    hiddenDropout = Dropout(mlp / "drop1", probability: drop)
    output = lessLinear(mlp / "fc2", configuration.mlpWidth, width, groups: groups)
    outputDropout = Dropout(mlp / "drop2", probability: drop)
    func scale(_ name: String) -> Parameter? {
      configuration.layerScale.map {
        (scope / name).parameter("gamma", shape: [width], .constant($0))
      }
    }
    attentionScale = scale("ls1")
    mlpScale = scale("ls2")
    let rate = configuration.dropPathRate
    let grown = DropPath.linearRate(rate, block: index, of: configuration.depth)
    func path(_ name: String) -> DropPath {
      DropPath(scope, name, probability: configuration.isDropPathUniform ? rate : grown)
    }
    attentionPath = path("drop_path1")
    mlpPath = path("drop_path2")
  }

  /// `[batch, channel, position, width]` to the same shape.
  package func callAsFunction(
    _ x: Tensor, _ place: LESSPlace, _ context: ForwardContext
  ) -> Tensor {
    let mixed = scaled(attended(x, place, context).output, attentionScale)
    let middle = x + attentionPath(adapted(mixed, .attention, x, norm1, place, context), context)
    let inner = hiddenDropout(hidden(norm2(middle), context).gelu(), context)
    let outer = scaled(outputDropout(output(inner, context), context), mlpScale)
    return middle + mlpPath(adapted(outer, .mlp, middle, norm2, place, context), context)
  }

  /// A sublayer's output after the block's branches; the norm is repeated only where there are any.
  private func adapted(
    _ z: Tensor, _ sublayer: BlockSite.Sublayer, _ stream: Tensor, _ norm: LayerNorm,
    _ place: LESSPlace, _ context: ForwardContext
  ) -> Tensor {
    guard site.isAdapted(sublayer) else { return z }
    return site.adapted(
      z, sublayer, normalized: norm(stream), stream: stream, count: z.shape[2], place.tokens,
      context)
  }

  /// The attention part, from the block's input, before LayerScale and residual.
  package func attended(_ x: Tensor, _ place: LESSPlace, _ context: ForwardContext) -> Attended {
    let (heads, rank) = (configuration.heads, configuration.rank)
    let pooled = pools(norm1(x), context)
    let channels = channelBranch(
      channelNorm(pooled.channels), rotation: place.rotations?.channel, bias: nil, context)
    let positions = spatialBranch(
      spatialNorm(pooled.positions), rotation: place.rotations?.spatial, bias: place.fieldBias,
      context)
    let share = configuration.generation == .first ? 1 : 1 / Double(rank)
    let product = sumOfOuterProducts(
      channels: channels.scaled(by: share), positions: positions, heads: heads, rank: rank)
    return Attended(
      pooledChannels: pooled.channels, pooledPositions: pooled.positions,
      channelBranch: channels, spatialBranch: positions,
      output: projectionDropout(projection(product, context), context))
  }

  private func scaled(_ x: Tensor, _ scale: Parameter?) -> Tensor { scale.map { x * $0() } ?? x }
}
