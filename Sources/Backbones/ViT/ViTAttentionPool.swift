import Layers
import Tensors

/// Attention pooling: a learned query attends to the tokens, then an MLP with a residual
/// (arXiv 2303.15343 through timm's AttentionPoolLatent).
///
/// Its layers have biases whatever the blocks have.
struct ViTAttentionPool: Sendable {
  private let heads: Int
  private let query: Parameter
  private let queryProjection: Linear
  private let keyValue: Linear
  private let projection: Linear
  private let norm: LayerNorm
  private let mlp: ViTMLP

  init(_ scope: Scope, _ configuration: ViTConfiguration) {
    var own = configuration
    own.hasProjectionBias = true
    own.projectionDropout = 0
    heads = configuration.heads
    let width = configuration.width
    let groups = ["attention", "all-linear"]
    query = scope.parameter(
      "latent", shape: [1, 1, width],
      .truncatedNormal(standardDeviation: 1 / Double(width).squareRoot()))
    queryProjection = Linear(
      scope / "q", inputs: width, outputs: width, groups: groups, initialization: ViT.weights)
    keyValue = Linear(
      scope / "kv", inputs: width, outputs: 2 * width, groups: groups,
      rowNames: [("k", 0..<width), ("v", width..<(2 * width))], initialization: ViT.weights)
    projection = Linear(
      scope / "proj", inputs: width, outputs: width, groups: groups, initialization: ViT.weights)
    norm = LayerNorm(scope / "norm", width: width, epsilon: configuration.epsilon)
    mlp = ViTMLP(scope / "mlp", own)
  }

  /// From `[batch, token, width]` to `[batch, width]`.
  func callAsFunction(_ tokens: Tensor, _ context: ForwardContext) -> Tensor {
    let (batch, width) = (tokens.shape[0], tokens.shape[2])
    let mixed = attention(
      queries: queryProjection(query(), context).expanded(to: [batch, 1, width]),
      keysAndValues: keyValue(tokens, context), heads: heads)
    let pooled = projection(mixed, context)
    return (pooled + mlp(norm(pooled), context)).reshaped(to: [batch, width])
  }
}
