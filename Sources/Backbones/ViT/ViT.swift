package import Layers
package import Recipes
package import Tensors

/// The plain vision transformer (arXiv 2010.11929) with the variants of DeiT, DINOv2, CLIP, SigLIP
/// and MAE, as timm and transformers compute them.
///
/// Paths are timm's keys. Initial values are timm's as well (timm 1.0.31,
/// `init_weights_vit_timm`): matrices and positions normal with deviation 0.02, biases zero, class
/// and register tokens 1e-6, the patch embedding as the framework does it.
package struct ViT: BlockSequence {
  package static let name = "vit"
  package static let summary =
    "Vision transformer by timm's names: ViT, DeiT, DINOv2, CLIP, SigLIP, MAE, any bands and sizes"
  package static let options = ViTConfiguration.options
  package static let hasHead = true
  /// timm's names of the models that `model` takes.
  package static var modelNames: [String] { ViTModels.names }
  package static let defaultTargets = ["attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"]
  package static var maskedAutoencoder: (any MaskedAutoencoder.Type)? { ViTMAE.self }

  /// Initial values of matrices and positions.
  static let weights = Initialization.normal(standardDeviation: 0.02)

  package let configuration: ViTConfiguration
  private let embedding: ViTEmbedding
  private let blocks: [ViTBlock]
  private let norm: LayerNorm?
  private let attentionPool: ViTAttentionPool?
  private let poolingNorm: LayerNorm?
  private let head: Linear?

  package init(
    _ options: OptionReader, for data: DataShape, in scope: Scope, _ diagnostics: Diagnostics
  ) {
    let configuration = ViTConfiguration(options, for: data, diagnostics)
    self.init(
      configuration.contradictions.isEmpty ? configuration : ViTConfiguration(), in: scope)
  }

  /// Builds the layers for a configuration.
  package init(_ configuration: ViTConfiguration, in scope: Scope) {
    self.configuration = configuration
    embedding = ViTEmbedding(scope, configuration)
    blocks = (0..<configuration.depth).map {
      ViTBlock(scope / "blocks" / $0, configuration, index: $0)
    }
    func finalNorm(_ name: String) -> LayerNorm {
      LayerNorm(scope / name, width: configuration.width, epsilon: configuration.epsilon)
    }
    let isBeforePooling = configuration.hasFinalNorm && !configuration.hasPoolingNorm
    norm = isBeforePooling ? finalNorm("norm") : nil
    attentionPool =
      configuration.pooling == .attention
      ? ViTAttentionPool(scope / "attn_pool", configuration) : nil
    poolingNorm = configuration.hasPoolingNorm ? finalNorm("fc_norm") : nil
    head =
      configuration.classes > 0
      ? Linear(
        scope / "head", inputs: configuration.pooledWidth, outputs: configuration.classes,
        groups: ["head"], initialization: Self.weights) : nil
  }

  package var featureShape: FeatureShape? {
    FeatureShape(
      width: configuration.width, pooledWidth: configuration.pooledWidth,
      blocks: configuration.depth, patch: configuration.patch, offersNormalizedMaps: true)
  }

  package func check(_ shapes: [String: [Int]]) throws(BackboneError) {
    for shape in shapes.values { try configuration.check(imageShape: shape) }
  }

  package func positions(_ shapes: [String: [Int]]) -> Int? {
    guard let image = shapes.values.first, image.count == 4, shapes.count == 1 else { return nil }
    return configuration.prefixCount
      + (image[2] / configuration.patch[0]) * (image[3] / configuration.patch[1])
  }

  /// Logits and features of images.
  ///
  /// From `[batch, channel, height, width]` to the logits `[batch, class]` where there is a head,
  /// and the features `pooled` (what enters the head), `tokens`, `maps` of the asked blocks and
  /// `normalizedMaps`.
  package func callAsFunction(
    _ input: BackboneInput, maps: Set<Int>, _ context: ForwardContext
  ) -> BackboneOutput {
    output(
      of: hidden(input, before: 0, context), from: 0, inputShape: input.only.shape, maps: maps,
      context)
  }

  package func hidden(
    _ input: BackboneInput, before cut: Int, _ context: ForwardContext
  ) -> Tensor {
    let context = placing(input.only.shape, context)
    var x = embedding(input.only, context)
    for block in blocks[..<cut] { x = context.block(x) { block($0, $1) } }
    return x
  }

  package func output(
    of hidden: Tensor, from cut: Int, inputShape: [Int], maps: Set<Int>, _ context: ForwardContext
  ) -> BackboneOutput {
    precondition(maps.allSatisfy { $0 >= cut }, "maps \(maps) below block \(cut)")
    let grid = grid(inputShape)
    let context = placing(inputShape, context)
    var features = Features()
    var x = hidden
    for (index, block) in blocks.enumerated().dropFirst(cut) {
      x = context.block(x) { block($0, $1) }
      guard maps.contains(index) else { continue }
      features.maps[index] = map(x, grid)
      features.normalizedMaps[index] = norm.map { map($0(x), grid) } ?? features.maps[index]
    }
    let tokens = norm.map { $0(x) } ?? x
    context.observe("norm", tokens)
    let pooled = pooled(tokens, context)
    features.tokens = tokens
    features.pooled = pooled
    return BackboneOutput(logits: head.map { $0(pooled, context) }, features: features)
  }

  private func grid(_ inputShape: [Int]) -> [Int] {
    [inputShape[2] / configuration.patch[0], inputShape[3] / configuration.patch[1]]
  }

  /// The context that says where the tokens of an image lie.
  private func placing(_ inputShape: [Int], _ context: ForwardContext) -> ForwardContext {
    var context = context
    context.tokens = TokenLayout(
      prefix: (configuration.hasClassToken ? 1 : 0) + configuration.registers,
      grid: grid(inputShape))
    return context
  }

  /// Patch tokens as `[batch, width, height, width]`.
  private func map(_ tokens: Tensor, _ grid: [Int]) -> Tensor {
    patchTokens(tokens).permuted([0, 2, 1])
      .reshaped(to: [tokens.shape[0], configuration.width] + grid)
  }

  private func patchTokens(_ tokens: Tensor) -> Tensor {
    tokens.sliced(axis: 1, configuration.prefixCount..<tokens.shape[1])
  }

  private func pooled(_ tokens: Tensor, _ context: ForwardContext) -> Tensor {
    let (batch, width) = (tokens.shape[0], tokens.shape[2])
    func classToken() -> Tensor {
      tokens.sliced(axis: 1, 0..<1).reshaped(to: [batch, width])
    }
    func mean() -> Tensor {
      patchTokens(tokens).averaged(over: [1]).reshaped(to: [batch, width])
    }
    let pooled =
      switch configuration.pooling {
      case .token: classToken()
      case .average: mean()
      case .attention:
        attentionPool.map { $0(patchTokens(tokens), context) } ?? classToken()
      case .tokenAndAverage: Tensor.concatenated([classToken(), mean()], axis: 1)
      }
    return poolingNorm.map { $0(pooled) } ?? pooled
  }
}

extension ViTConfiguration {
  /// Refuses images of other shapes than this configuration takes.
  func check(imageShape shape: [Int]) throws(BackboneError) {
    guard shape.count == 4 else {
      throw BackboneError("vit: input \(shape), expected axes batch, channel, height, width")
    }
    guard shape[1] == channels else {
      throw BackboneError(
        "vit: images of \(shape[1]) channels, the model takes \(channels). Change "
          + "model.backbone.in_chans or the bands of the data")
    }
    let size = Array(shape[2...])
    guard size != imageSize else { return }
    guard isSizeDynamic else {
      throw BackboneError(
        "vit: images of \(size[0]) x \(size[1]) px, the model takes \(imageSize[0]) x "
          + "\(imageSize[1]). Change model.backbone.img_size, or set dynamic_img_size: true")
    }
    if let problem = remainder(ofSize: size) {
      throw BackboneError("vit: \(problem.what); \(problem.mend)")
    }
  }
}
