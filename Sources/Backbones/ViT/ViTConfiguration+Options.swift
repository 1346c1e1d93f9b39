import Recipes

extension ViTConfiguration {
  static let options: OptionTable = [
    Option(
      "model", .text, default: "vit_base_patch16_224",
      "timm's name of a plain vision transformer; single options below override it."),
    Option(
      "img_size", .either([.integer, .list(.integer, count: 2...2)]),
      default: .described("from data, else by model"), range: .atLeast(1), unit: "pixels",
      "Height and width of the images that the position table is made for."),
    Option(
      "patch_size", .either([.integer, .list(.integer, count: 2...2)]),
      default: .described("by model"), range: .atLeast(1), unit: "pixels",
      "Side of a patch, or height and width."),
    Option(
      "in_chans", .integer, default: .described("from data, else 3"), range: .atLeast(1),
      "Image channels."),
    Option(
      "num_classes", .integer, default: .described("from data, else 0"), range: .atLeast(0),
      "Outputs of the architecture's own head; 0 for none."),
    Option(
      "embed_dim", .integer, default: .described("by model"), range: .atLeast(1),
      "Width of a token."),
    Option(
      "depth", .integer, default: .described("by model"), range: .atLeast(1),
      "Transformer blocks."),
    Option(
      "num_heads", .integer, default: .described("by model"), range: .atLeast(1),
      "Attention heads."),
    Option(
      "mlp_ratio", .number, default: .described("by model, mostly 4"), range: .above(0),
      "Hidden width of the MLP over embed_dim."),
    Option(
      "qkv_bias", .boolean, default: .described("by model, mostly true"),
      "Biases of queries, keys and values."),
    Option("proj_bias", .boolean, default: true, "Biases of the projection and the MLP."),
    Option("qk_norm", .boolean, default: false, "Normalizes queries and keys head by head."),
    Option(
      "init_values", .either([.number, .oneOf(["none"])]), default: .described("by model"),
      "Initial factor of LayerScale; none for no LayerScale."),
    Option("class_token", .boolean, default: .described("by model"), "Has a class token."),
    Option(
      "reg_tokens", .integer, default: .described("by model"), range: .atLeast(0),
      "Register tokens."),
    Option(
      "no_embed_class", .boolean, default: .described("by model"),
      "The position table has no rows for class and register tokens."),
    Option("pos_embed", .choice(Positions.self), default: "learn", "Position table."),
    Option(
      "pre_norm", .boolean, default: .described("by model"),
      "A norm before the blocks, and no bias of the patch embedding."),
    Option(
      "final_norm", .boolean, default: .described("by model, mostly true"),
      "A norm after the blocks."),
    Option(
      "fc_norm", .boolean, default: .described("true for global_pool avg"),
      "The final norm stands after pooling."),
    Option(
      "global_pool", .choice(Pooling.self), default: .described("by model"),
      "What enters the head: class token, mean of the patch tokens, attention pooling, or class "
        + "token beside mean."),
    Option(
      "dynamic_img_size", .boolean, default: .described("by model, mostly false"),
      "Takes images of other sizes; positions are interpolated in the forward pass."),
    Option(
      "pos_interpolation", .choice(Interpolation.self), default: "timm",
      "How that is done: timm bicubic with antialiasing, transformers bicubic without, jax "
        + "bilinear without."),
    Option(
      "norm_eps", .number, default: .described("by model, mostly 1e-6"), range: .above(0),
      "Added to the variance by all layer norms; transformers' ViT has 1e-12."),
    Option(
      "act_layer", .choice(Activation.self), default: .described("by model, mostly gelu"),
      "Activation of the MLP."),
    Option(
      "drop_path_rate", .number, default: 0, range: .within(0..<1),
      "Stochastic depth of the last block, growing linearly from 0."),
    Option(
      "pos_drop_rate", .number, default: 0, range: .within(0..<1), aliases: ["pos_drop"],
      "Dropout after the positions are added."),
    Option(
      "proj_drop_rate", .number, default: 0, range: .within(0..<1), aliases: ["proj_drop"],
      "Dropout after projections, in attention and MLP."),
    Option(
      "attn_drop_rate", .number, default: 0, range: .within(0..<1), aliases: ["attn_drop"],
      "Dropout of attention weights."),
  ]

  /// Reads the options; contradictions, among themselves or with the data, go to `diagnostics`.
  init(_ reader: OptionReader, for data: DataShape, _ diagnostics: Diagnostics) {
    self.init()
    func error(_ option: String, _ what: String, _ mend: String) {
      diagnostics.error(
        .rule(what, mend: mend), at: reader.value(option)?.location ?? reader.location,
        path: reader.path + "." + option)
    }
    let name = reader.text("model")
    if let known = ViTModels.configuration(named: name) {
      self = known
    } else {
      let hint = ViTModels.nearest(to: name).map { "; did you mean \($0)?" } ?? ""
      error(
        "model", "no plain vision transformer is called \(name)\(hint)",
        "names are timm's, such as vit_small_patch16_224 or vit_base_patch14_reg4_dinov2, or give "
          + "the sizes by single options")
    }
    let published = self
    take(reader)
    takeData(reader, data, error)
    if imageSize != published.imageSize || patch != published.patch,
      let problem = remainder(ofSize: imageSize)
    {
      error("img_size", problem.what, problem.mend)
    }
    for problem in contradictions { error(problem.option, problem.what, problem.mend) }
  }

  private mutating func take(_ reader: OptionReader) {
    func set<Value>(_ path: WritableKeyPath<Self, Value>, _ value: Value?) {
      if let value { self[keyPath: path] = value }
    }
    set(\.patch, reader.pair("patch_size"))
    set(\.width, reader.optionalInt("embed_dim"))
    set(\.depth, reader.optionalInt("depth"))
    set(\.heads, reader.optionalInt("num_heads"))
    set(\.mlpRatio, reader.optionalNumber("mlp_ratio"))
    set(\.hasQKVBias, reader.optionalBool("qkv_bias"))
    set(\.hasProjectionBias, reader.optionalBool("proj_bias"))
    set(\.normalizesQK, reader.optionalBool("qk_norm"))
    if reader.isGiven("init_values") { layerScale = reader.optionalNumber("init_values") }
    set(\.hasClassToken, reader.optionalBool("class_token"))
    set(\.registers, reader.optionalInt("reg_tokens"))
    set(\.positionsCoverPrefix, reader.optionalBool("no_embed_class").map { !$0 })
    set(\.positions, reader.optionalChoice("pos_embed", as: Positions.self))
    set(\.hasPreNorm, reader.optionalBool("pre_norm"))
    set(\.hasFinalNorm, reader.optionalBool("final_norm"))
    set(\.normAfterPooling, reader.optionalBool("fc_norm"))
    set(\.pooling, reader.optionalChoice("global_pool", as: Pooling.self))
    set(\.isSizeDynamic, reader.optionalBool("dynamic_img_size"))
    set(\.interpolation, reader.optionalChoice("pos_interpolation", as: Interpolation.self))
    set(\.epsilon, reader.optionalNumber("norm_eps"))
    set(\.activation, reader.optionalChoice("act_layer", as: Activation.self))
    dropPathRate = reader.number("drop_path_rate")
    positionDropout = reader.number("pos_drop_rate")
    projectionDropout = reader.number("proj_drop_rate")
    attentionDropout = reader.number("attn_drop_rate")
  }

  private mutating func takeData(
    _ reader: OptionReader, _ data: DataShape,
    _ error: (_ option: String, _ what: String, _ mend: String) -> Void
  ) {
    func chosen<Value: Equatable>(_ option: String, _ given: Value?, _ found: Value?) -> Value? {
      if let given, let found, given != found {
        error(
          option, "\(option) is \(given), the data has \(found)",
          "leave \(option) out, or change the data")
      }
      return given ?? found
    }
    let size = reader.pair("img_size")
    imageSize =
      (isSizeDynamic ? size ?? data.imageSize : chosen("img_size", size, data.imageSize))
      ?? imageSize
    channels = chosen("in_chans", reader.optionalInt("in_chans"), data.channels) ?? channels
    classes = chosen("num_classes", reader.optionalInt("num_classes"), data.classes) ?? classes
  }
}

extension OptionReader {
  /// One number for both sides, or `[height, width]`; nil where absent.
  fileprivate func pair(_ name: String) -> [Int]? {
    if let side = optionalInt(name) { return [side, side] }
    let sides = ints(name)
    return sides.count == 2 ? sides : nil
  }
}
