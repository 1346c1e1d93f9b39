import Adapters
package import Backbones
package import Formats
package import Layers
package import Tensors

/// Runs cases of family `morph`: forward, mean squared error, gradients.
enum MorphParity: ParityFamily {
  static let name = "morph"

  static func run(_ parityCase: ParityCase) throws -> ParityRun {
    guard let config = parityCase.description["config"]?.object else {
      throw VerifyError("\(parityCase.name): no config")
    }
    let model = try MorphCaseModel(config, name: parityCase.name)
    try model.load { try parityCase.tensor("weight." + $0) }
    var trained: [(key: String, parameter: Parameter)] = []
    for (key, parameter) in model.parametersByKey {
      parameter.isTrainable = try parityCase.isTrainable(key)
      if parameter.isTrainable { trained.append((key, parameter)) }
    }
    return try forwardAndBackward(parityCase, model.backbone, trained)
  }

  private static func forwardAndBackward(
    _ parityCase: ParityCase, _ morph: Morph, _ trained: [(key: String, parameter: Parameter)]
  ) throws -> ParityRun {
    let x = try parityCase.tensor("input.x")
    let output = morph(BackboneInput(x), .evaluation)
    guard let prediction = output.prediction else {
      throw VerifyError("\(parityCase.name): no prediction")
    }
    var run = ParityRun()
    run.tensors["output.pred"] = prediction
    run.tensors["output.enc"] = output.features.named["enc"]
    run.tensors["output.z"] = output.features.named["z"]
    run.tensors["output.pos_encoding"] = morph.positionEncoding(
      time: x.shape[1], tokens: output.features.named["enc"]?.shape[2] ?? 0)
    guard parityCase.names("input.").contains("target") else { return run }
    let loss = meanSquaredError(prediction, try parityCase.tensor("input.target"))
    run.loss = loss.scalar
    let gradients = loss.gradients()
    for (key, parameter) in trained {
      if let gradient = gradients[parameter.leaf] {
        run.tensors["grad." + key] = gradient
      } else {
        run.withoutGradient.append(key)
      }
    }
    return run
  }
}

/// A MORPH as a case's `config` describes it, with the reference's LoRA where it has ranks.
package struct MorphCaseModel: Sendable {
  package let backbone: Morph
  package let tree: ModuleTree
  /// All parameters with the reference's keys, adapters' `A` and `B` among them.
  package let parametersByKey: [(key: String, parameter: Parameter)]

  package init(_ config: JSONObject, name: String) throws {
    let builder = ModelBuilder()
    backbone = Morph(try MorphConfiguration(reference: config, name: name), in: builder.root)
    tree = builder.tree
    let backbone = backbone
    var parameters = tree.parameters.map { (backbone.layouts[0].key(of: $0.path), $0) }
    let ranks = [
      (group: "attention", rank: config["lora_r_attn"]?.integer ?? 0),
      (group: "mlp", rank: config["lora_r_mlp"]?.integer ?? 0),
    ]
    for (group, rank) in ranks where rank > 0 {
      var settings = AdapterSettings(name: group, method: "lora")
      settings.targets = [try Pattern(group)]
      let alpha = config["lora_alpha"]?.number ?? Double(2 * rank)
      let adapter = try AttachedAdapter(
        settings, method: LoRA(LowRank(rank: rank, alpha: alpha)), on: tree, defaults: [], seed: 0)
      parameters += adapter.parameters.map { parameter in
        let key = parameter.path.replacing(".lora_A.weight", with: ".A")
          .replacing(".lora_B.weight", with: ".B")
        return (key, parameter)
      }
    }
    parametersByKey = parameters
  }

  /// Takes every parameter's value by its reference key.
  package func load(_ tensor: (_ key: String) throws -> Tensor) throws {
    for (key, parameter) in parametersByKey {
      let value = try tensor(key)
      guard value.shape == parameter.shape else {
        throw VerifyError("\(key): shape \(value.shape), expected \(parameter.shape)")
      }
      parameter.value = value.copied()
    }
  }
}

extension MorphConfiguration {
  /// Reads the reference's constructor arguments.
  init(reference config: JSONObject, name: String) throws {
    func integer(_ key: String) throws -> Int {
      guard let value = config[key]?.integer else {
        throw VerifyError("\(name): config.\(key) is not a whole number")
      }
      return value
    }
    let patch = config["patch_size"]
    let sizes = patch?.integer.map { [$0, $0, $0] } ?? (patch?.array ?? []).compactMap(\.integer)
    guard sizes.count == 3 else { throw VerifyError("\(name): config.patch_size") }
    let maxTime = try integer("max_ar")
    self.init(
      patch: sizes, dim: try integer("dim"), depth: try integer("depth"),
      heads: try integer("heads"), fieldHeads: try integer("heads_xa"),
      mlpDim: try integer("mlp_dim"), filters: try integer("conv_filter"),
      maxComponents: try integer("max_components"), maxFields: try integer("max_fields"),
      maxTime: maxTime, maxPatches: try integer("max_patches"),
      positional: config["model_size"]?.string == "L" && maxTime > 1 ? .bilinear : .slice)
  }
}
