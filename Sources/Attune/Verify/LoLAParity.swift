import Adapters
package import Backbones
package import Formats
package import Layers

/// Runs cases of family `lola-specvit`: forward, cross entropy, gradients, running statistics.
enum LoLAParity: ParityFamily {
  static let name = "lola-specvit"

  static func run(_ parityCase: ParityCase) throws -> ParityRun {
    guard let config = parityCase.description["config"]?.object else {
      throw VerifyError("\(parityCase.name): no config")
    }
    let model = try LoLACaseModel(config, name: parityCase.name)
    let parity = try ParityModel(parityCase, model.stored, model.backbone.layouts[0])
    return try parity.run { input in
      let output = model.backbone(BackboneInput(try input("x")), parity.context)
      var outputs = output.features.named
      outputs["logits"] = output.logits
      return Dictionary(uniqueKeysWithValues: outputs.map { ("output." + $0.key, $0.value) })
    }
  }
}

/// A LoLA-SpecViT as a case's `config` describes it, adapted as the reference always is: with gate and
/// residual in the blocks, without them on the head.
package struct LoLACaseModel: Sendable {
  package let backbone: LoLASpecViT
  /// Parameters and buffers of the backbone, then the values of the adapters.
  package let stored: [Parameter]

  package init(_ config: JSONObject, name: String) throws {
    let builder = ModelBuilder()
    backbone = LoLASpecViT(
      try LoLASpecViTConfiguration(reference: config, name: name), in: builder.root)
    let tree = builder.tree
    guard let rank = config["r"]?.integer, let alpha = config["lora_alpha"]?.number else {
      throw VerifyError("\(name): config.r and config.lora_alpha are not numbers")
    }
    let places = [
      (name: "blocks", targets: LoLASpecViT.defaultTargets, hasGate: true),
      (name: "head", targets: ["head"], hasGate: false),
    ]
    stored =
      try tree.stored
      + places.flatMap { place in
        var settings = AdapterSettings(name: place.name, method: GatedLoRA.name)
        settings.targets = try place.targets.map { try Pattern($0) }
        let method = GatedLoRA(rank: rank, alpha: alpha, hasGate: place.hasGate)
        return try AttachedAdapter(settings, method: method, on: tree, defaults: [], seed: 0)
          .parameters
      }
  }
}

extension LoLASpecViTConfiguration {
  /// Reads the reference's constructor arguments; rates that a case leaves out are 0.
  init(reference config: JSONObject, name: String) throws {
    func integer(_ key: String) throws -> Int {
      guard let value = config[key]?.integer else {
        throw VerifyError("\(name): config.\(key) is not a whole number")
      }
      return value
    }
    func list(_ key: String) throws -> [Int] {
      guard let values = config[key]?.array?.compactMap(\.integer), !values.isEmpty else {
        throw VerifyError("\(name): config.\(key) is no list of whole numbers")
      }
      return values
    }
    guard let ratio = config["mlp_ratio"]?.number else {
      throw VerifyError("\(name): config.mlp_ratio is not a number")
    }
    self.init(
      dim: try integer("dim"), depths: try list("depths"), heads: try list("num_heads"),
      windows: try list("window_size"), mlpRatio: ratio,
      spatialSize: try integer("spatial_size"), classes: try integer("num_classes"),
      dropPathRate: config["drop_path_rate"]?.number ?? 0,
      bandDropout: config["band_dropout"]?.number ?? 0,
      positionDropout: config["pos_drop"]?.number ?? 0)
  }
}
