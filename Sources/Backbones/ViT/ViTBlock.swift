import Layers
import Tensors

/// A pre-norm block: x + s₁ · attention(norm1(x)), then + s₂ · MLP(norm2(·)), where s is LayerScale
/// (arXiv 2103.17239) or 1, and each branch may be dropped.
struct ViTBlock: Sendable {
  private let path: String
  private let site: BlockSite
  private let norm1: LayerNorm
  private let attention: ViTAttention
  private let scale1: Parameter?
  private let dropPath1: DropPath
  private let norm2: LayerNorm
  private let mlp: ViTMLP
  private let scale2: Parameter?
  private let dropPath2: DropPath

  init(_ scope: Scope, _ configuration: ViTConfiguration, index: Int) {
    path = scope.path
    site = scope.block(width: configuration.width)
    let (width, epsilon) = (configuration.width, configuration.epsilon)
    func scale(_ name: String) -> Parameter? {
      configuration.layerScale.map {
        (scope / name).parameter("gamma", shape: [width], .constant($0))
      }
    }
    let rate = DropPath.linearRate(
      configuration.dropPathRate, block: index, of: configuration.depth)
    norm1 = LayerNorm(scope / "norm1", width: width, epsilon: epsilon)
    attention = ViTAttention(scope / "attn", configuration)
    scale1 = scale("ls1")
    dropPath1 = DropPath(scope, "drop_path1", probability: rate)
    norm2 = LayerNorm(scope / "norm2", width: width, epsilon: epsilon)
    mlp = ViTMLP(scope / "mlp", configuration)
    scale2 = scale("ls2")
    dropPath2 = DropPath(scope, "drop_path2", probability: rate)
  }

  /// `[batch, token, width]` to the same shape.
  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let inner = context.innerType(x)
    let normalized = norm1(x, type: inner)
    context.observe(path + ".norm1", normalized)
    let adds1 =
      !site.isAdapted(.attention) && scale1 == nil && !dropPath1.drops(context)
      && attention.canAdd(context)
    let middle =
      adds1
      ? attention(normalized, context, adding: x)
      : x
        + dropPath1(
          site.adapted(
            scaled(attention(normalized, context), scale1), .attention, normalized: normalized,
            stream: x, context), context)
    let hidden = norm2(middle, type: inner)
    context.observe(path + ".norm2", hidden)
    let adds2 =
      !site.isAdapted(.mlp) && scale2 == nil && !dropPath2.drops(context) && mlp.canAdd(context)
    let output =
      adds2
      ? mlp(hidden, context, adding: middle)
      : middle
        + dropPath2(
          site.adapted(
            scaled(mlp(hidden, context), scale2), .mlp, normalized: hidden, stream: middle,
            context), context)
    context.observe(path, output)
    return output
  }

  private func scaled(_ x: Tensor, _ factor: Parameter?) -> Tensor {
    factor.map { x * $0() } ?? x
  }
}

/// Self-attention with one matrix for queries, keys and values.
struct ViTAttention: Sendable {
  private let path: String
  private let heads: Int
  private let qkv: Linear
  private let queryNorm: LayerNorm?
  private let keyNorm: LayerNorm?
  private let projection: Linear
  private let weightDropout: Dropout
  private let dropout: Dropout

  init(_ scope: Scope, _ configuration: ViTConfiguration) {
    path = scope.path
    heads = configuration.heads
    let width = configuration.width
    let groups = ["attention", "all-linear"]
    qkv = Linear(
      scope / "qkv", inputs: width, outputs: 3 * width, bias: configuration.hasQKVBias,
      groups: groups,
      rowNames: [
        ("q", 0..<width), ("k", width..<(2 * width)), ("v", (2 * width)..<(3 * width)),
      ], initialization: ViT.weights)
    func headNorm(_ name: String) -> LayerNorm? {
      configuration.normalizesQK
        ? LayerNorm(
          scope / name, width: width / configuration.heads, epsilon: configuration.epsilon) : nil
    }
    queryNorm = headNorm("q_norm")
    keyNorm = headNorm("k_norm")
    projection = Linear(
      scope / "proj", inputs: width, outputs: width, bias: configuration.hasProjectionBias,
      groups: groups, initialization: ViT.weights)
    weightDropout = Dropout(scope / "attn_drop", probability: configuration.attentionDropout)
    dropout = Dropout(scope / "proj_drop", probability: configuration.projectionDropout)
  }

  /// Whether the output may be added to the residual stream inside the last product.
  func canAdd(_ context: ForwardContext) -> Bool {
    !dropout.drops(context) && !context.isObserved
  }

  /// `[batch, token, width]` to the same shape; `residual` is added to the result.
  func callAsFunction(
    _ x: Tensor, _ context: ForwardContext, adding residual: Tensor? = nil
  ) -> Tensor {
    let drops = weightDropout.setting(context)
    let mixed: Tensor
    if queryNorm == nil && keyNorm == nil {
      mixed = attention(packed: qkv(x, context, type: x.dtype), heads: heads, dropout: drops)
    } else {
      let (rows, width) = (qkv(x, context), x.shape[2])
      func part(_ index: Int) -> Tensor {
        rows.sliced(axis: 2, (index * width)..<((index + 1) * width))
      }
      mixed = attention(
        queries: normalized(part(0), queryNorm), keys: normalized(part(1), keyNorm),
        values: part(2), heads: heads, dropout: drops)
    }
    let output = dropout(projection(mixed, context, residual: residual), context)
    context.observe(path, output)
    return output
  }

  /// Each head by itself.
  private func normalized(_ x: Tensor, _ norm: LayerNorm?) -> Tensor {
    guard let norm else { return x }
    let byHead = Array(x.shape.dropLast()) + [heads, -1]
    return norm(x.reshaped(to: byHead)).reshaped(to: x.shape)
  }
}

/// Two linear layers with an activation between them.
struct ViTMLP: Sendable {
  private let path: String
  private let hidden: Linear
  private let activation: ViTConfiguration.Activation
  private let hiddenDropout: Dropout
  private let output: Linear
  private let outputDropout: Dropout

  init(_ scope: Scope, _ configuration: ViTConfiguration) {
    path = scope.path
    let (width, inner) = (configuration.width, configuration.hiddenWidth)
    let groups = ["mlp", "all-linear"]
    hidden = Linear(
      scope / "fc1", inputs: width, outputs: inner, bias: configuration.hasProjectionBias,
      groups: groups, initialization: ViT.weights)
    activation = configuration.activation
    hiddenDropout = Dropout(scope / "drop1", probability: configuration.projectionDropout)
    output = Linear(
      scope / "fc2", inputs: inner, outputs: width, bias: configuration.hasProjectionBias,
      groups: groups, initialization: ViT.weights)
    outputDropout = Dropout(scope / "drop2", probability: configuration.projectionDropout)
  }

  /// Whether the output may be added to the residual stream inside the last product.
  func canAdd(_ context: ForwardContext) -> Bool {
    !outputDropout.drops(context) && !context.isObserved
  }

  /// `[..., width]` to the same shape; `residual` is added to the result.
  func callAsFunction(
    _ x: Tensor, _ context: ForwardContext, adding residual: Tensor? = nil
  ) -> Tensor {
    let active =
      switch activation {
      case .gelu: hidden(x, context, activation: .gelu, type: x.dtype)
      case .geluTanh: hidden(x, context).geluTanh()
      case .quickGELU: hidden(x, context).quickGELU()
      }
    context.observe(path + ".act", active)
    let inner =
      hiddenDropout.drops(context) ? hiddenDropout(active.converted(to: .f32), context) : active
    let result = outputDropout(output(inner, context, residual: residual), context)
    context.observe(path, result)
    return result
  }
}
