import Layers
package import Tensors

/// From a grid of tokens to one narrow token for each channel and one for each position.
struct LESSPools: Sendable {
  private let channelLinear: Linear
  private let spatialLinear: Linear
  private let channelNorm: LayerNorm
  private let spatialNorm: LayerNorm
  private let channelPool: LESSPool
  private let spatialPool: LESSPool

  init(_ scope: Scope, _ configuration: LESSConfiguration) {
    func linear(_ name: String, _ outputs: Int) -> Linear {
      lessLinear(scope / name, configuration.width, outputs, groups: lessAttentionGroups)
    }
    channelLinear = linear("channel_linear", configuration.channelWidth)
    spatialLinear = linear("spatial_linear", configuration.spatialWidth)
    channelNorm = lessNorm(scope / "channel_norm", configuration.channelWidth)
    spatialNorm = lessNorm(scope / "spatial_norm", configuration.spatialWidth)
    channelPool = LESSPool(
      scope / "channel_pool", width: configuration.channelWidth, configuration)
    spatialPool = LESSPool(
      scope / "spatial_pool", width: configuration.spatialWidth, configuration)
  }

  /// From `[batch, channel, position, width]` to `[batch, channel, channel width]` and
  /// `[batch, position, spatial width]`, class tokens counted.
  func callAsFunction(
    _ y: Tensor, _ context: ForwardContext
  ) -> (channels: Tensor, positions: Tensor) {
    let (batch, rows, columns) = (y.shape[0], y.shape[1], y.shape[2])
    let byChannel = channelLinear(y, context)
    let channels = channelPool(
      channelNorm(byChannel).reshaped(to: [batch * rows, columns, -1]), context)
    let byPosition = spatialLinear(y, context).permuted([0, 2, 1, 3])
    let positions = spatialPool(
      spatialNorm(byPosition).reshaped(to: [batch * columns, rows, -1]), context)
    return (
      byChannel.sliced(axis: 2, 0..<1).reshaped(to: [batch, rows, -1])
        + channels.reshaped(to: [batch, rows, -1]),
      byPosition.sliced(axis: 2, 0..<1).reshaped(to: [batch, columns, -1])
        + positions.reshaped(to: [batch, columns, -1])
    )
  }
}

/// A sequence pooled into one token: its first, the class token, attends to all of them.
struct LESSPool: Sendable {
  private let query: Linear
  private let keyValue: Linear
  private let output: Linear
  private let norms: LESSHeadNorms
  private let heads: Int
  private let attentionDropout: Dropout
  private let outputDropout: Dropout

  init(_ scope: Scope, width: Int, _ configuration: LESSConfiguration) {
    heads = configuration.heads
    let bias = configuration.hasProjectionBias
    query = lessLinear(scope / "q", width, width, bias: bias, groups: lessAttentionGroups)
    keyValue = lessLinear(
      scope / "kv", width, 2 * width, bias: bias, groups: lessAttentionGroups,
      rowNames: [("k", 0..<width), ("v", width..<(2 * width))])
    output = lessLinear(scope / "proj", width, width, groups: lessAttentionGroups)
    norms = LESSHeadNorms(scope, width: width / max(1, heads), configuration)
    attentionDropout = Dropout(
      scope / "attn_drop", probability: configuration.attentionDropout)
    outputDropout = Dropout(scope / "proj_drop", probability: configuration.projectionDropout)
  }

  /// From `[row, token, width]` to `[row, width]`.
  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let width = x.shape[2]
    let both = keyValue(x, context)
    let mixed = attention(
      queries: norms.query(query(x.sliced(axis: 1, 0..<1), context), heads: heads),
      keys: norms.key(both.sliced(axis: 2, 0..<width), heads: heads),
      values: both.sliced(axis: 2, width..<(2 * width)), heads: heads,
      dropout: attentionDropout.setting(context))
    return outputDropout(
      output(mixed.reshaped(to: [x.shape[0], width]), context), context)
  }
}

/// Attention over one axis in several ranks, without a projection behind it.
struct LESSBranch: Sendable {
  private let queryKey: Linear
  private let value: Linear
  private let norms: LESSHeadNorms
  private let heads: Int
  private let rank: Int
  private let dropout: Dropout

  init(_ scope: Scope, width: Int, _ configuration: LESSConfiguration) {
    heads = configuration.heads
    rank = configuration.rank
    let bias = configuration.hasProjectionBias
    let half = width * rank
    queryKey = lessLinear(
      scope / "qk", width, 2 * half, bias: bias, groups: lessAttentionGroups,
      rowNames: [("q", 0..<half), ("k", half..<(2 * half))])
    value = lessLinear(
      scope / "v", width, configuration.generation == .first ? width : half, bias: bias,
      groups: lessAttentionGroups)
    norms = LESSHeadNorms(scope, width: width / max(1, heads), configuration)
    dropout = Dropout(scope / "attn_drop", probability: configuration.attentionDropout)
  }

  /// From `[batch, token, width]` to `[batch, token, heads · rank · head width]`, heads slowest.
  func callAsFunction(
    _ x: Tensor, rotation: LESSRotation?, bias: Tensor?, _ context: ForwardContext
  ) -> Tensor {
    let all = heads * rank
    let both = queryKey(x, context)
    let half = both.shape[2] / 2
    func rotated(_ part: Tensor) -> Tensor { rotation?(part, heads: all) ?? part }
    let queries = norms.query(rotated(both.sliced(axis: 2, 0..<half)), heads: all)
    let keys = norms.key(rotated(both.sliced(axis: 2, half..<(2 * half))), heads: all)
    let values = forEachRank(value(x, context), width: half)
    return attention(
      queries: queries, keys: keys, values: values, heads: all, bias: bias,
      dropout: dropout.setting(context))
  }

  /// Values that all ranks share, repeated for each.
  private func forEachRank(_ values: Tensor, width: Int) -> Tensor {
    guard values.shape[2] != width else { return values }
    let (batch, tokens) = (values.shape[0], values.shape[1])
    return values.reshaped(to: [batch, tokens, heads, 1, -1])
      .expanded(to: [batch, tokens, heads, rank, values.shape[2] / heads])
      .reshaped(to: [batch, tokens, width])
  }
}

/// Layer norms of each head's queries and keys, where the configuration has them.
struct LESSHeadNorms: Sendable {
  private let queryNorm: LayerNorm?
  private let keyNorm: LayerNorm?

  init(_ scope: Scope, width: Int, _ configuration: LESSConfiguration) {
    let exist = configuration.normalizesQueriesAndKeys
    queryNorm = exist ? lessNorm(scope / "q_norm", width) : nil
    keyNorm = exist ? lessNorm(scope / "k_norm", width) : nil
  }

  func query(_ x: Tensor, heads: Int) -> Tensor { normalized(x, heads, queryNorm) }

  func key(_ x: Tensor, heads: Int) -> Tensor { normalized(x, heads, keyNorm) }

  private func normalized(_ x: Tensor, _ heads: Int, _ norm: LayerNorm?) -> Tensor {
    guard let norm else { return x }
    return norm(x.reshaped(to: [x.shape[0], x.shape[1], heads, -1])).reshaped(to: x.shape)
  }
}

/// The outer product of the two branches' results for each head, summed over ranks.
///
/// With attention matrices A over channels and B over positions, the Kronecker product A ⊗ B is what
/// full attention over the grid is approximated by (arXiv 2503.12843).
/// - Parameters:
///   - channels: `[batch, channel, heads · rank · a]`.
///   - positions: `[batch, position, heads · rank · t]`.
///   - heads: number of heads.
///   - rank: number of ranks.
/// - Returns: `[batch, channel, position, heads · a · t]`, features with heads slowest, then a.
package func sumOfOuterProducts(
  channels: Tensor, positions: Tensor, heads: Int, rank: Int
) -> Tensor {
  let (batch, rows, columns) = (channels.shape[0], channels.shape[1], positions.shape[1])
  let a = channels.shape[2] / heads / rank
  let t = positions.shape[2] / heads / rank
  let left = channels.reshaped(to: [batch, rows, heads, rank, a]).permuted([0, 2, 1, 4, 3])
    .reshaped(to: [batch, heads, rows * a, rank])
  let right = positions.reshaped(to: [batch, columns, heads, rank, t])
    .permuted([0, 2, 3, 1, 4]).reshaped(to: [batch, heads, rank, columns * t])
  return batchedProduct(left, right).reshaped(to: [batch, heads, rows, a, columns, t])
    .permuted([0, 2, 4, 1, 3, 5]).reshaped(to: [batch, rows, columns, heads * a * t])
}

/// Labels of the linear layers around attention.
let lessAttentionGroups = ["attention", "all-linear"]

/// A linear layer with the family's first values: Xavier uniform, bias zero.
func lessLinear(
  _ scope: Scope, _ inputs: Int, _ outputs: Int, bias: Bool = true, groups: [String] = [],
  rowNames: [(name: String, rows: Range<Int>)] = []
) -> Linear {
  Linear(
    scope, inputs: inputs, outputs: outputs, bias: bias, groups: groups, rowNames: rowNames,
    initialization: .xavier(inputs: inputs, outputs: outputs))
}

/// A layer norm with the family's epsilon.
func lessNorm(_ scope: Scope, _ width: Int) -> LayerNorm {
  LayerNorm(scope, width: width, epsilon: 1e-6)
}
