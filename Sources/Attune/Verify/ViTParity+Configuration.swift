import Backbones
import Formats
import Recipes

extension ViTConfiguration {
  /// Reads timm's argument names; what is absent does not apply.
  init(reference config: JSONObject, name: String, isTransformers: Bool) throws {
    self.init()
    let reader = ReferenceConfiguration(config, name: name)
    imageSize = try reader.pair("img_size")
    patch = try reader.pair("patch_size")
    channels = try reader.integer("in_chans")
    width = try reader.integer("embed_dim")
    depth = try reader.integer("depth")
    heads = try reader.integer("num_heads")
    mlpRatio = try reader.number("mlp_ratio")
    classes = config["num_classes"]?.integer ?? 0
    hasQKVBias = config["qkv_bias"]?.bool ?? true
    hasProjectionBias = config["proj_bias"]?.bool ?? true
    normalizesQK = config["qk_norm"]?.bool ?? false
    layerScale = config["init_values"]?.number
    hasClassToken = config["class_token"]?.bool ?? true
    registers = config["reg_tokens"]?.integer ?? 0
    positionsCoverPrefix = !(config["no_embed_class"]?.bool ?? false)
    positions = config["pos_embed"]?.string == "none" ? .none : .learned
    hasPreNorm = config["pre_norm"]?.bool ?? false
    hasFinalNorm = config["final_norm"]?.bool ?? true
    normAfterPooling = config["fc_norm"]?.bool
    isSizeDynamic = config["dynamic_img_size"]?.bool ?? false
    interpolation = isTransformers ? .transformers : .timm
    epsilon = try reader.number("norm_eps")
    activation = try reader.choice("act_layer") ?? .gelu
    pooling = try reader.choice("global_pool") ?? .token
  }
}

extension ViTMAEConfiguration {
  init(_ encoder: ViTConfiguration, reference config: JSONObject, name: String) throws {
    let reader = ReferenceConfiguration(config, name: name)
    self.init(encoder)
    decoderWidth = try reader.integer("decoder_embed_dim")
    decoderDepth = try reader.integer("decoder_depth")
    decoderHeads = try reader.integer("decoder_num_heads")
    decoderMLPRatio = try reader.number("decoder_mlp_ratio")
    maskRatio = try reader.number("mask_ratio")
    normalizesPixels = config["norm_pix_loss"]?.bool ?? false
  }
}

/// Fields of a case's `config`, with errors that name them.
private struct ReferenceConfiguration {
  private let config: JSONObject
  private let name: String

  init(_ config: JSONObject, name: String) {
    self.config = config
    self.name = name
  }

  func integer(_ key: String) throws -> Int {
    guard let value = config[key]?.integer else { throw error(key, "a whole number") }
    return value
  }

  func number(_ key: String) throws -> Double {
    guard let value = config[key]?.number else { throw error(key, "a number") }
    return value
  }

  /// One number for both sides, or height and width.
  func pair(_ key: String) throws -> [Int] {
    if let side = config[key]?.integer { return [side, side] }
    let sides = (config[key]?.array ?? []).compactMap(\.integer)
    guard sides.count == 2 else { throw error(key, "a whole number or two") }
    return sides
  }

  /// Nil where it is absent.
  func choice<Choice: CaseIterable & RawRepresentable>(_ key: String) throws -> Choice?
  where Choice.RawValue == String {
    guard let text = config[key]?.string else { return nil }
    guard let choice = Choice(rawValue: text) else {
      let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw error(key, "one of \(names), found \(text)")
    }
    return choice
  }

  private func error(_ key: String, _ expected: String) -> VerifyError {
    VerifyError("\(name): config.\(key) is not \(expected)")
  }
}
