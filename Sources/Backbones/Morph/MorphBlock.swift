import Layers
import Tensors

/// A block of axial attention over time and space, then an MLP.
///
/// With u = LN1(x) and u' = u + A_t(u): x + u' + A_d(u') + A_h(u') + A_w(u'), then + MLP(LN2(·)).
/// The inner residual is the normalized u', and the three spatial attentions run side by side.
///
/// For adapters of the stream every time and depth is a sample of its own, with height and width as
/// the grid.
struct MorphBlock: Sendable {
  private let site: BlockSite
  private let norm1: LayerNorm
  private let time: MorphAxialAttention
  private let space: [MorphAxialAttention]
  private let norm2: LayerNorm
  private let hidden: Linear
  private let hiddenDropout: Dropout
  private let output: Linear
  private let outputDropout: Dropout

  init(_ scope: Scope, _ configuration: MorphConfiguration) {
    site = scope.block(width: configuration.dim)
    norm1 = LayerNorm(scope / "norm1", width: configuration.dim, epsilon: 1e-5)
    let axes = scope / "axial_attn"
    time = MorphAxialAttention(axes / "attn_t", axis: 1, configuration)
    space = [("attn_d", 2), ("attn_h", 3), ("attn_w", 4)].map {
      MorphAxialAttention(axes / $0, axis: $1, configuration)
    }
    norm2 = LayerNorm(scope / "norm2", width: configuration.dim, epsilon: 1e-5)
    let mlp = scope / "mlp"
    hidden = Linear(
      mlp / 0, inputs: configuration.dim, outputs: configuration.mlpDim, groups: Self.mlpGroups)
    hiddenDropout = Dropout(mlp / 2, probability: configuration.dropout)
    output = Linear(
      mlp / 3, inputs: configuration.mlpDim, outputs: configuration.dim, groups: Self.mlpGroups)
    outputDropout = Dropout(mlp / 4, probability: configuration.dropout)
  }

  private static let mlpGroups = ["mlp", "all-linear"]

  /// `[batch, time, depth, height, width, dim]`, counted in patches, to the same shape.
  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    var u = norm1(x)
    if x.shape[1] > 1 { u = u + time(u, context) }
    var mixed = u
    for attention in space { mixed = mixed + attention(u, context) }
    let middle = x + adapted(mixed, .attention, normalized: u, stream: x, context)
    let normalized = norm2(middle)
    let inner = hiddenDropout(hidden(normalized, context).gelu(), context)
    let outer = outputDropout(output(inner, context), context)
    return middle + adapted(outer, .mlp, normalized: normalized, stream: middle, context)
  }

  private func adapted(
    _ z: Tensor, _ sublayer: BlockSite.Sublayer, normalized: Tensor, stream: Tensor,
    _ context: ForwardContext
  ) -> Tensor {
    let grid = [z.shape[3], z.shape[4]]
    return site.adapted(
      z, sublayer, normalized: normalized, stream: stream, count: grid[0] * grid[1],
      TokenLayout(prefix: 0, grid: grid), context)
  }
}

/// Attention along one axis of the token grid with separate projections.
///
/// An axis of length 1 skips the scores (the value passes through), so that query and key get no
/// gradient at all, as in the reference.
struct MorphAxialAttention: Sendable {
  private let axis: Int
  private let heads: Int
  private let query: Linear
  private let key: Linear
  private let value: Linear
  private let output: Linear
  private let dropout: Dropout

  init(_ scope: Scope, axis: Int, _ configuration: MorphConfiguration) {
    self.axis = axis
    heads = configuration.heads
    func layer(_ name: String) -> Linear {
      Linear(
        scope / name, inputs: configuration.dim, outputs: configuration.dim,
        groups: ["attention", "all-linear"])
    }
    query = layer("q")
    key = layer("k")
    value = layer("v")
    output = layer("o")
    dropout = Dropout(scope, probability: configuration.dropout)
  }

  /// `[batch, time, depth, height, width, dim]` to the same shape.
  func callAsFunction(_ u: Tensor, _ context: ForwardContext) -> Tensor {
    guard u.shape[axis] > 1 else { return output(value(u, context), context) }
    let order = [0, 1, 2, 3, 4].filter { $0 != axis } + [axis, 5]
    let rows = u.permuted(order)
    let lines = [-1, u.shape[axis], u.shape[5]]
    let mixed = attention(
      queries: query(rows, context).reshaped(to: lines),
      keys: key(rows, context).reshaped(to: lines),
      values: value(rows, context).reshaped(to: lines), heads: heads,
      dropout: dropout.setting(context))
    let result = output(mixed, context).reshaped(to: rows.shape)
    var inverse = [Int](repeating: 0, count: 6)
    for (position, axis) in order.enumerated() { inverse[axis] = position }
    return result.permuted(inverse)
  }
}
