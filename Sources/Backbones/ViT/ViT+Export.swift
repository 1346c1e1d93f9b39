package import Recipes

extension ViT {
  /// `config.json` of timm and of transformers.
  ///
  /// Nil where the program has no such model: timm's files cannot name an epsilon, so only those of
  /// its own models are said; transformers has a ViT with a class token and the DINOv2 head.
  package func exportedConfiguration(layout: String) -> PlainValue? {
    switch layout {
    case "timm": timmConfiguration
    case "hf": configuration.layerScale == nil ? transformersViT : transformersDINO
    default: nil
    }
  }

  /// Sizes as arguments over one of timm's models, whose epsilon they leave as it is.
  private var timmConfiguration: PlainValue? {
    let models = [1e-6: "vit_base_patch16_224", 1e-5: "vit_base_patch16_clip_224"]
    guard let model = models[configuration.epsilon], configuration.pooling != .tokenAndAverage
    else { return nil }
    let size = configuration
    let arguments: [PlainValue.Field] = [
      .init("img_size", .integers(size.imageSize)), .init("patch_size", .integers(size.patch)),
      .init("in_chans", .integer(size.channels)), .init("num_classes", .integer(size.classes)),
      .init("global_pool", .text(size.pooling.rawValue)),
      .init("embed_dim", .integer(size.width)), .init("depth", .integer(size.depth)),
      .init("num_heads", .integer(size.heads)),
      .init("mlp_ratio", .number(Double(size.hiddenWidth) / Double(size.width))),
      .init("qkv_bias", .boolean(size.hasQKVBias)), .init("qk_norm", .boolean(size.normalizesQK)),
      .init("proj_bias", .boolean(size.hasProjectionBias)),
      .init("init_values", size.layerScale.map { .number($0) } ?? .null),
      .init("class_token", .boolean(size.hasClassToken)),
      .init("reg_tokens", .integer(size.registers)),
      .init("no_embed_class", .boolean(!size.positionsCoverPrefix)),
      .init("pos_embed", .text(size.positions.rawValue)),
      .init("pre_norm", .boolean(size.hasPreNorm)),
      .init("final_norm", .boolean(size.hasFinalNorm)),
      .init("fc_norm", .boolean(size.hasPoolingNorm)),
      .init("dynamic_img_size", .boolean(size.isSizeDynamic)),
      .init("act_layer", .text(size.activation.rawValue)),
    ]
    let input: [PlainValue] = ([size.channels] + size.imageSize).map { .integer($0) }
    return [
      "architecture": .text(model), "num_classes": .integer(size.classes),
      "num_features": .integer(size.width), "global_pool": .text(size.pooling.rawValue),
      "model_args": .map(arguments),
      // Without `first_conv`, timm takes the kernel as it is, whatever the number of channels.
      "pretrained_cfg": [
        "architecture": .text(model), "input_size": .list(input),
        "fixed_input_size": .boolean(!size.isSizeDynamic), "num_classes": .integer(size.classes),
        "first_conv": .null, "classifier": "head",
      ],
    ]
  }

  private var transformersViT: PlainValue? {
    guard configuration.pooling == .token, let common = transformersCommon,
      configuration.hasFinalNorm, !configuration.hasPoolingNorm
    else { return nil }
    return .map(
      common + [
        .init("architectures", ["ViTForImageClassification"]), .init("model_type", "vit"),
        .init("intermediate_size", .integer(configuration.hiddenWidth)),
        .init("hidden_dropout_prob", 0.0),
        .init("encoder_stride", .integer(configuration.patch[0])),
      ])
  }

  private var transformersDINO: PlainValue? {
    guard configuration.pooling == .tokenAndAverage, let common = transformersCommon,
      let scale = configuration.layerScale, configuration.hiddenWidth % configuration.width == 0
    else { return nil }
    return .map(
      common + [
        .init("architectures", ["Dinov2ForImageClassification"]), .init("model_type", "dinov2"),
        .init("mlp_ratio", .integer(configuration.hiddenWidth / configuration.width)),
        .init("layerscale_value", .number(scale)), .init("use_swiglu_ffn", false),
        .init("drop_path_rate", 0.0),
      ])
  }

  /// What both model classes of transformers have; nil for what neither has.
  private var transformersCommon: [PlainValue.Field]? {
    let size = configuration
    let activations: [ViTConfiguration.Activation: String] = [
      .gelu: "gelu", .geluTanh: "gelu_pytorch_tanh", .quickGELU: "quick_gelu",
    ]
    guard size.hasClassToken, size.registers == 0, size.positions == .learned,
      size.positionsCoverPrefix, !size.hasPreNorm, !size.normalizesQK, size.hasProjectionBias,
      size.classes > 0, let activation = activations[size.activation]
    else { return nil }
    return [
      .init("hidden_size", .integer(size.width)), .init("num_hidden_layers", .integer(size.depth)),
      .init("num_attention_heads", .integer(size.heads)), .init("hidden_act", .text(activation)),
      .init("attention_probs_dropout_prob", 0.0), .init("initializer_range", 0.02),
      .init("layer_norm_eps", .number(size.epsilon)),
      .init("image_size", .side(size.imageSize)), .init("patch_size", .side(size.patch)),
      .init("num_channels", .integer(size.channels)), .init("qkv_bias", .boolean(size.hasQKVBias)),
      .init(
        "id2label",
        .map((0..<size.classes).map { PlainValue.Field("\($0)", .text("LABEL_\($0)")) })),
      .init(
        "label2id", .map((0..<size.classes).map { PlainValue.Field("LABEL_\($0)", .integer($0)) })),
    ]
  }
}

extension PlainValue {
  fileprivate static func integers(_ values: [Int]) -> PlainValue {
    .list(values.map { .integer($0) })
  }

  /// One number where both sides agree.
  fileprivate static func side(_ sides: [Int]) -> PlainValue {
    sides[0] == sides[1] ? .integer(sides[0]) : integers(sides)
  }
}
