import Backbones
import Formats
import Layers
import Recipes
import Tasks
import Tensors

/// Runs cases of family `less-vit`: encoders, masked pretraining, classifier and heads of both
/// generations.
enum LESSParity: ParityFamily {
  static let name = "less-vit"

  static func run(_ parityCase: ParityCase) throws -> ParityRun {
    guard let config = parityCase.description["config"]?.object else {
      throw VerifyError("\(parityCase.name): no config")
    }
    let setup = LESSCase(parityCase: parityCase, config: config)
    return switch parityCase.kind {
    case "encoder_forward", "encoder_forward_backward": try setup.encoder()
    case "mae_forward", "mae_forward_backward": try setup.maskedAutoencoder()
    case "classifier_forward_backward": try setup.classifier()
    case "moe_linear_head_forward_backward": try setup.mixtureHead()
    case "upernet_forward_backward": try setup.pyramidDecoder()
    case "conv_head_forward_backward": try setup.convolutionDecoder()
    default: throw VerifyError("\(parityCase.name): kind \(parityCase.kind) is not of this family")
    }
  }
}

/// A case with its configuration.
struct LESSCase {
  let parityCase: ParityCase
  let config: JSONObject

  /// The backbone's options from the reference's configuration, which has more keys.
  private func configuration() throws -> LESSConfiguration {
    var fields = config.entries.compactMap { key, value -> PlainValue.Field? in
      guard LESSConfiguration.options[key] != nil, let plain = PlainValue(value) else { return nil }
      return PlainValue.Field(key, plain)
    }
    fields.append(.init("generation", .integer(try integer(parityCase.description, "generation"))))
    // The stored wavelengths of rotary cases are scaled already.
    if config["use_rope_embed"]?.bool == true {
      fields.append(.init("wavelength_range", [0, 1]))
    }
    let diagnostics = Diagnostics()
    let reader = OptionReader(
      Located(plain: .map(fields), at: SourceLocation(source: parityCase.name)),
      LESSConfiguration.options, diagnostics)
    let configuration = LESSConfiguration(reader, diagnostics)
    try diagnostics.throwErrors()
    return configuration
  }

  func integer(_ object: JSONObject, _ key: String) throws -> Int {
    guard let value = object[key]?.integer else {
      throw VerifyError("\(parityCase.name): \(key) is not a whole number")
    }
    return value
  }

  /// The arguments of `call`.
  private func input(_ tensor: (String) throws -> Tensor) throws -> BackboneInput {
    let call = parityCase.description["call"]?.object ?? [:]
    func argument(_ key: String) throws -> Tensor? {
      guard let text = call[key]?.string, text.hasPrefix("input.") else { return nil }
      return try tensor(String(text.dropFirst("input.".count)))
    }
    var input = BackboneInput([:], resolution: call["spatial_resolution"]?.number)
    for name in LESSViT.inputNames {
      input.values[name] = try argument(name)
      input.wavelengths[name] = try argument("\(name)_channel_wv")?.elements(as: Float.self)
        .map(Double.init)
    }
    return input
  }

  // MARK: Kinds

  func encoder() throws -> ParityRun {
    let builder = ModelBuilder()
    let model = LESSViT(try configuration(), in: builder.root)
    let parity = try ParityModel(parityCase, builder.tree.stored, model.layouts[0])
    return try parity.run { tensor in
      let input = try input(tensor)
      try model.check(input)
      let features = model(input, parity.context).features
      var outputs = model.encoder.steps(input, parity.context)
      outputs["last_hidden_state"] = features.named["grid"]
      outputs["cls"] = features.pooled
      return Dictionary(uniqueKeysWithValues: outputs.map { ("output." + $0.key, $0.value) })
    }
  }

  func classifier() throws -> ParityRun {
    let builder = ModelBuilder()
    let model = LESSViT(try configuration(), in: builder.root / "encoder")
    let head = Linear(
      builder.root / "classifier" / "classifier", inputs: model.configuration.width,
      outputs: try integer(config, "num_labels"))
    let parity = try ParityModel(
      parityCase, builder.tree.stored, KeyLayout("less-vit", key: { $0 }))
    return try parity.run { tensor in
      guard let pooled = model(try input(tensor), parity.context).features.pooled else {
        throw VerifyError("\(parityCase.name): no pooled features")
      }
      return ["output.logits": head(pooled, parity.context)]
    }
  }

  func maskedAutoencoder() throws -> ParityRun {
    let builder = ModelBuilder()
    let configuration = try configuration()
    let model = HyperMAE(
      configuration,
      decoder: configuration.decoder(
        width: try integer(config, "decoder_embed_dim"),
        depth: try integer(config, "decoder_depth"),
        heads: try integer(config, "decoder_num_heads"),
        channelHeadWidth: try integer(config, "decoder_channel_embed_dims_per_head")),
      try pretraining(), in: builder.root)
    let parity = try ParityModel(parityCase, builder.tree.stored, model.layouts[0])
    return try parity.run { tensor in
      let context = parity.context.drawing(try noise(tensor))
      let input = try input(tensor)
      try model.check(input)
      let named = model(input, context).named
      // Generation 2 has one mode, whose name the stored tensors leave out.
      let prefix = configuration.generation == .second ? "optical." : ""
      return Dictionary(
        uniqueKeysWithValues: named.map { name, value in
          (
            "output." + (name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name),
            value
          )
        })
    }
  }

  private func pretraining() throws -> HyperMAE.Settings {
    var settings = HyperMAE.Settings()
    settings.maskRatio = config["mask_ratio"]?.number ?? settings.maskRatio
    settings.channelMaskRatio = config["channel_mask_ratio"]?.number ?? settings.channelMaskRatio
    settings.normalizesPixels = config["norm_pix_loss"]?.bool ?? false
    let modes = (parityCase.description["modes"]?.array ?? []).compactMap(\.string)
    guard let first = modes.first,
      let mode = modes.count > 1 ? .all : HyperMAE.Mode(rawValue: first),
      let loss = parityCase.description["loss_spec"]?.object?["error"]?.string,
      let measure = MaskedReconstruction.Measure(rawValue: loss)
    else { throw VerifyError("\(parityCase.name): modes \(modes) or loss_spec.error") }
    settings.mode = mode
    settings.measure = measure
    return settings
  }

  /// The stored noise by the paths that the model draws.
  private func noise(_ tensor: (String) throws -> Tensor) throws -> [String: Tensor] {
    var noise: [String: Tensor] = [:]
    for (mode, names) in (parityCase.description["noise"]?.object ?? [:]).entries {
      for (axis, name) in names.object?.entries ?? [] {
        guard let text = name.string else { continue }
        noise["mae.\(mode).\(axis)"] = try tensor(String(text.dropFirst("input.".count)))
      }
    }
    return noise
  }
}

extension LESSEncoder {
  /// What the encoder computes on its way, under the names of the stored outputs.
  fileprivate func steps(_ input: BackboneInput, _ context: ForwardContext) -> [String: Tensor] {
    let (place, tokens) = (place(input), grid(input, context))
    var outputs = ["tokens_with_cls": tokens]
    if let table = place.table {
      outputs["pos_chan_embed"] = table.reshaped(to: [1] + table.shape)
    }
    if let bias = place.fieldBias {
      outputs["perception_field_mask"] = Tensor(
        bias.elements(as: Float.self).map { $0 == 0 ? UInt8(1) : 0 }, shape: Array(bias.shape[2...])
      )
    }
    if let rotations = place.rotations {
      for (name, rotation) in [("hw", rotations.spatial), ("c", rotations.channel)] {
        outputs["rope_cos_\(name)"] = rotation.cosine.sliced(axis: 0, 1..<rotation.cosine.shape[0])
        outputs["rope_sin_\(name)"] = rotation.sine.sliced(axis: 0, 1..<rotation.sine.shape[0])
      }
    }
    var x = place.table.map { tokens + $0 } ?? tokens
    outputs["tokens_embedded"] = x
    for (index, block) in blocks.enumerated() {
      if index == 0 {
        let attended = block.attended(x, place, context)
        outputs["block0.pool_channel"] = attended.pooledChannels
        outputs["block0.pool_spatial"] = attended.pooledPositions
        outputs["block0.channel_branch"] = byRank(attended.channelBranch)
        outputs["block0.spatial_branch"] = byRank(attended.spatialBranch)
        outputs["block0.attn"] = attended.output
      }
      x = block(x, place, context)
      outputs["after_block\(index)"] = x
    }
    return outputs
  }

  /// `[batch, token, heads · rank · e]` as `[batch, rank, head, token, e]`.
  private func byRank(_ branch: Tensor) -> Tensor {
    branch.reshaped(
      to: [branch.shape[0], branch.shape[1], configuration.heads, configuration.rank, -1]
    ).permuted([0, 3, 2, 1, 4])
  }
}

extension PlainValue {
  /// A scalar of a JSON document; nil for null, lists and objects.
  fileprivate init?(_ value: JSONValue) {
    switch value {
    case .bool(let value): self = .boolean(value)
    case .integer(let value): self = .integer(value)
    case .number(let value): self = .number(value)
    case .string(let value): self = .text(value)
    case .null, .array, .object: return nil
    }
  }
}
