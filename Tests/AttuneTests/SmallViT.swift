import Adapters
import Attune
import Backbones
import Layers
import Recipes
import Tensors
import TestSupport

/// The ViT of the PEFT fixtures with drawn weights.
struct SmallViT {
  static var configuration: ViTConfiguration {
    var configuration = ViTConfiguration()
    configuration.imageSize = [32, 32]
    configuration.patch = [8, 8]
    configuration.width = 48
    configuration.depth = 2
    configuration.heads = 3
    configuration.classes = 10
    return configuration
  }

  let backbone: ViT
  let model: AdaptedModel
  var network: Network { .backbone(backbone) }

  /// Draws all values, those of adapters too, which so change the output.
  init(_ configuration: ViTConfiguration = Self.configuration, adapters: [AdapterSettings] = [])
    throws
  {
    let builder = ModelBuilder()
    backbone = ViT(configuration, in: builder.root)
    builder.tree.initialize(seed: 1)
    for (index, parameter) in builder.tree.parameters.enumerated() {
      parameter.value = FiniteDifferences.values(parameter.shape, seed: index).cast(to: .f32)
        .scaled(by: 0.3)
    }
    let attached = try adapters.map { settings in
      try AttachedAdapter(
        settings, method: settings.method == "none" ? nil : LoRA(LowRank(rank: 4)),
        on: builder.tree, defaults: ViT.defaultTargets, seed: 2)
    }
    for (index, parameter) in attached.flatMap(\.parameters).enumerated() {
      parameter.value = FiniteDifferences.values(parameter.shape, seed: 900 + index).cast(to: .f32)
        .scaled(by: 0.3)
    }
    model = AdaptedModel(tree: builder.tree, adapters: attached, freezesBackbone: !adapters.isEmpty)
  }

  /// One adapter on the given targets.
  static func lora(
    _ targets: [String], saving saved: [String] = [], bias: AdapterSettings.Bias = .none
  ) throws -> AdapterSettings {
    var settings = AdapterSettings(name: "lora", method: "lora")
    settings.targets = try targets.map { try Pattern($0) }
    settings.modulesToSave = try saved.map { try Pattern($0) }
    settings.bias = bias
    return settings
  }
}
