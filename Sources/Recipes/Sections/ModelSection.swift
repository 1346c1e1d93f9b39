/// `model`: the backbone with its weights, and the head on it.
package struct ModelSection: Sendable {
  package enum Weights: Sendable, Hashable {
    /// Random initial values, written out as `none`.
    case none
    /// Absolute path; the format is found from the content.
    case file(String)
  }

  package enum Strictness: String, CaseIterable, Sendable {
    /// A missing or unexpected backbone key is an error.
    case strict = "true"
    /// Such keys are listed and training goes on.
    case report
  }

  package enum Fusion: String, CaseIterable, Sendable { case native, concat, late }

  package enum ChannelPolicy: String, CaseIterable, Sendable {
    case refuse, select, mean, `repeat`, random
  }

  package struct ImageSize: Sendable, Hashable {
    package let height: Int
    package let width: Int

    package init(height: Int, width: Int) {
      self.height = height
      self.width = width
    }
  }

  package struct AuxiliaryHead: Sendable {
    package let decoder: Component
    package let weight: Double
  }

  package let backbone: Component
  package let weights: Weights
  package let weightsPrefix: String?
  package let strictness: Strictness
  /// Backbone input to data input, in file order; empty takes the only one.
  package let inputs: [(backbone: String, data: String)]
  package let fusion: Fusion
  package let imageSize: ImageSize?
  package let channels: Int?
  package let classes: Int?
  package let bands: [String]?
  package let channelPolicy: ChannelPolicy
  package let neck: Component?
  package let decoder: Component?
  package let headDropout: Double
  package let auxiliaryHeads: [AuxiliaryHead]
  /// Nil takes the default: true with an adapter.
  package let freezesBackbone: Bool?
  package let freezesDecoder: Bool
  package let pretraining: PretrainingSection?

  static let table: OptionTable = [
    Option(
      "backbone", .component(of: "backbone"), default: .required, aliases: ["base_model"],
      "the pretrained network"),
    Option(
      "weights", .either([.oneOf(["none"]), .path]), default: .required,
      aliases: ["backbone_ckpt_path", "base_model_name_or_path", "initial_checkpoint"],
      "file of pretrained weights; none must be written out"),
    Option(
      "weights_prefix", .text, default: .absent, "keep keys with this prefix and cut it off"),
    Option(
      "strict", .choice(Strictness.self), default: true,
      "true: a missing or unexpected backbone key is an error; report: listed"),
    Option(
      "inputs", .map(.text), default: .described("the only one"),
      "backbone input to data input, for backbones with named inputs"),
    Option("fusion", .choice(Fusion.self), default: "native", "how several inputs are joined"),
    Option(
      "img_size", .either([.integer, .list(.integer, count: 2...2)]),
      default: .described("from data"), range: .atLeast(1), unit: "pixels",
      "height and width; checked against the data"),
    Option(
      "in_chans", .integer, default: .described("from data"), range: .atLeast(1),
      "channels; checked against the data"),
    Option(
      "num_classes", .integer, default: .described("from data"), range: .atLeast(1),
      "classes; checked against the data"),
    Option(
      "bands", .list(.text), default: .described("the weights' metadata"),
      aliases: ["backbone_bands"], "bands the weights were trained on"),
    Option(
      "channel_policy", .choice(ChannelPolicy.self), default: "refuse",
      "what to do with weights for other channels"),
    Option(
      "neck", .component(of: "neck"), default: .described("learned, where the decoder needs one"),
      "how block outputs become a pyramid"),
    Option(
      "decoder", .component(of: "decoder"), default: .described("by task"),
      aliases: ["decode_head"], "task head or dense decoder"),
    Option("head_dropout", .number, default: 0, range: .within(0..<1), "dropout before the head"),
    Option(
      "aux_heads",
      .list(
        .table([
          Option("decoder", .component(of: "decoder"), default: .required, "the head"),
          Option("weight", .number, default: .required, range: .atLeast(0), "weight of its loss"),
        ])), default: [], "further heads that add to the loss"),
    Option(
      "freeze_backbone", .boolean, default: .described("true with an adapter, else false"),
      "keeps base weights not named by the adapter"),
    Option(
      "freeze_decoder", .boolean, default: false,
      "the decoder is otherwise trained and saved with the adapter"),
    Option(
      "pretrain", .table(PretrainingSection.table), default: .absent, "only task pretrain-mae"),
  ]

  init(_ reader: OptionReader) {
    backbone = reader.component("backbone")
    weights = reader.optionalPath("weights").map(Weights.file) ?? .none
    weightsPrefix = reader.optionalText("weights_prefix")
    strictness = reader.choice("strict", as: Strictness.self)
    inputs = reader.map("inputs").map { ($0.key, $0.value.asText ?? "") }
    fusion = reader.choice("fusion", as: Fusion.self)
    imageSize = reader.size("img_size")
    channels = reader.optionalInt("in_chans")
    classes = reader.optionalInt("num_classes")
    bands = reader.value("bands").map { _ in reader.texts("bands") }
    channelPolicy = reader.choice("channel_policy", as: ChannelPolicy.self)
    neck = reader.optionalComponent("neck")
    decoder = reader.optionalComponent("decoder")
    headDropout = reader.number("head_dropout")
    auxiliaryHeads = reader.tables("aux_heads").map {
      AuxiliaryHead(decoder: $0.component("decoder"), weight: $0.number("weight"))
    }
    freezesBackbone = reader.optionalBool("freeze_backbone")
    freezesDecoder = reader.bool("freeze_decoder")
    pretraining = reader.optionalTable("pretrain").map(PretrainingSection.init)
  }
}

extension OptionReader {
  /// One number for both sides, or `[height, width]`.
  package func size(_ name: String) -> ModelSection.ImageSize? {
    if let side = optionalInt(name) { return .init(height: side, width: side) }
    let sides = ints(name)
    return sides.count == 2 ? .init(height: sides[0], width: sides[1]) : nil
  }
}

/// `model.pretrain`: masked-autoencoder pretraining.
package struct PretrainingSection: Sendable {
  package enum Loss: String, CaseIterable, Sendable { case mse, l1 }
  package enum Mode: String, CaseIterable, Sendable { case multi, optical, radar, random, all }

  package let maskRatio: Double
  package let channelMaskRatio: Double
  package let normalizesPixels: Bool
  package let loss: Loss
  package let mode: Mode
  package let decoderWidth: Int
  package let decoderDepth: Int
  package let decoderHeads: Int
  /// Lowest and highest share of channels left out.
  package let channelDropout: ClosedRange<Double>?

  static let table: OptionTable = [
    Option("mask_ratio", .number, default: 0.75, range: .within(0..<1), "share of masked tokens"),
    Option(
      "channel_mask_ratio", .number, default: 0.5, range: .within(0..<1),
      "share of masked channels"),
    Option("norm_pix_loss", .boolean, default: false, "normalizes target pixels per patch"),
    Option("loss", .choice(Loss.self), default: "mse", "on masked values"),
    Option("mode", .choice(Mode.self), default: "multi", "which inputs are encoded"),
    Option(
      "decoder",
      .table([
        Option("embed_dim", .integer, default: 512, range: .atLeast(1), "width"),
        Option("depth", .integer, default: 8, range: .atLeast(1), "blocks"),
        Option("num_heads", .integer, default: 16, range: .atLeast(1), "attention heads"),
      ]), default: [:], "the light decoder"),
    Option(
      "channel_dropout", .list(.number, count: 2...2), default: .absent, range: .within(0...1),
      "lowest and highest share of channels left out"),
  ]

  /// All defaults.
  package static let standard = PretrainingSection(
    OptionReader(Located(.map([]), at: SourceLocation(source: "")), table, Diagnostics()))

  init(_ reader: OptionReader) {
    maskRatio = reader.number("mask_ratio")
    channelMaskRatio = reader.number("channel_mask_ratio")
    normalizesPixels = reader.bool("norm_pix_loss")
    loss = reader.choice("loss", as: Loss.self)
    mode = reader.choice("mode", as: Mode.self)
    let decoder = reader.optionalTable("decoder")
    decoderWidth = decoder?.int("embed_dim") ?? 0
    decoderDepth = decoder?.int("depth") ?? 0
    decoderHeads = decoder?.int("num_heads") ?? 0
    let shares = reader.numbers("channel_dropout")
    channelDropout = shares.count == 2 && shares[0] <= shares[1] ? shares[0]...shares[1] : nil
  }
}
