import Backbones
import Checkpoints
import Formats
import Layers
import Synchronization
import Tensors

/// Runs cases of family `vit`: models of timm and transformers, masked autoencoders.
enum ViTParity: ParityFamily {
  static let name = "vit"

  static func run(_ parityCase: ParityCase) throws -> ParityRun {
    guard let config = parityCase.description["config"]?.object else {
      throw VerifyError("\(parityCase.name): no config")
    }
    let architecture = parityCase.description["architecture"]?.string ?? ""
    let encoder = try ViTConfiguration(
      reference: config, name: parityCase.name, isTransformers: architecture.hasPrefix("hf-"))
    return architecture == "hf-vit-mae"
      ? try autoencoder(
        parityCase, try ViTMAEConfiguration(encoder, reference: config, name: parityCase.name))
      : try classifier(parityCase, encoder)
  }

  private static func classifier(
    _ parityCase: ParityCase, _ configuration: ViTConfiguration
  ) throws -> ParityRun {
    let builder = ModelBuilder()
    let vit = ViT(configuration, in: builder.root)
    let layout = try layout(parityCase, vit.layouts)
    let model = try ParityModel(parityCase, builder.tree.stored, layout)
    let maps = (parityCase.description["features"]?.array ?? []).compactMap(\.integer)
    let seen = Observations()
    var run = try model.run { input in
      let output = vit(
        BackboneInput(try input("x")), maps: Set(maps), model.context.observing(seen.observer))
      var outputs = seen.outputs(depth: configuration.depth)
      outputs["output.tokens"] = output.features.tokens
      outputs["output.pooled"] = output.features.pooled
      outputs["output.logits"] = output.logits
      outputs["output.output"] = output.logits
      for (block, map) in output.features.normalizedMaps {
        outputs["output.feature_map.layer\(block)"] = map
      }
      return outputs
    }
    run.withoutGradient += try unused(parityCase, layout, builder.tree)
    if let path = parityCase.checkpointPath, path.hasSuffix(".npz") {
      run.failures = try differences(parityCase, vit, builder.tree, from: path)
    }
    return run
  }

  private static func autoencoder(
    _ parityCase: ParityCase, _ configuration: ViTMAEConfiguration
  ) throws -> ParityRun {
    let builder = ModelBuilder()
    let model = ViTMAE(configuration, in: builder.root)
    let layout = try layout(parityCase, model.layouts)
    let parity = try ParityModel(parityCase, builder.tree.stored, layout)
    let seen = Observations()
    var own = 0.0
    var run = try parity.run { input in
      let context = parity.context.observing(seen.observer)
        .drawing([ViTMAE.noisePath: try input("noise")])
      let result = model(BackboneInput(try input("x")), context)
      own = result.loss.scalar
      var outputs = seen.outputs(depth: configuration.encoder.depth)
      for (name, value) in result.named { outputs["output." + name] = value }
      return outputs
    }
    run.withoutGradient += try unused(parityCase, layout, builder.tree)
    if let loss = run.loss, abs(loss - own) > 1e-5 * max(1, abs(loss)) {
      run.failures = ["the model's own loss is \(own), by loss_spec it is \(loss)"]
    }
    return run
  }

  /// The layout that the names of the stored weights are of.
  private static func layout(
    _ parityCase: ParityCase, _ layouts: [KeyLayout]
  ) throws -> KeyLayout {
    let names = parityCase.names("weight.")
    guard let layout = layouts.first(where: { $0.recognizes(Set(names)) }) else {
      throw VerifyError(
        "\(parityCase.name): weights of no known layout (\(names.prefix(3).joined(separator: ", ")))"
      )
    }
    return layout
  }

  /// Keys of stored weights that take no part; all others must be some parameter's.
  private static func unused(
    _ parityCase: ParityCase, _ layout: KeyLayout, _ tree: ModuleTree
  ) throws -> [String] {
    let used = Set(tree.stored.flatMap { layout.parts(of: $0.path).map(\.key) })
    let rest = parityCase.names("weight.").filter { !used.contains($0) }
    if let key = rest.first(where: { !layout.ignores($0) }) {
      throw VerifyError("\(parityCase.name): the model has no place for weight \(key)")
    }
    return rest
  }

  /// What the weights read from a file in the JAX layout differ in from the stored ones: not at all
  /// where sizes agree, else by 1e-6.
  private static func differences(
    _ parityCase: ParityCase, _ vit: ViT, _ tree: ModuleTree, from path: String
  ) throws -> [String] {
    let source = try openCheckpoint(path)
    guard let layout = vit.layouts.first(where: { $0.recognizes(Set(source.names)) }) else {
      throw VerifyError("\(path): arrays of no known layout")
    }
    return try tree.parameters.compactMap { parameter in
      let read = try layout.value(of: parameter.path) { try source.tensor($0) }
      let isResized = read.shape != parameter.shape
      guard
        let value = isResized
          ? try vit.fitted(read, to: parameter, WeightFit(layout: layout.name)) : read,
        value.shape == parameter.shape
      else { return "\(parameter.path): the file has shape \(read.shape)" }
      let pairs = zip(value.elements(as: Float.self), parameter.value.elements(as: Float.self))
      let error = pairs.reduce(0) { max($0, abs($1.0 - $1.1)) }
      return error <= (isResized ? 1e-6 : 0)
        ? nil : "\(parameter.path): read from the file with a difference of \(error)"
    }
  }
}

/// Intermediate values of a forward pass.
private final class Observations: Sendable {
  private let values = Mutex<[String: Tensor]>([:])

  var observer: @Sendable (String, Tensor) -> Void {
    { path, value in self.values.withLock { $0[path] = value } }
  }

  /// Under the names of stored tensors.
  func outputs(depth: Int) -> [String: Tensor] {
    let seen = values.withLock { $0 }
    var outputs: [String: Tensor] = [:]
    for (path, value) in seen { outputs["output.act." + path] = value }
    outputs["output.embedded"] = seen["embeddings"]
    outputs["output.hidden_states.0"] = seen["embeddings"]
    for block in 0..<depth {
      let value = seen["blocks.\(block)"]
      outputs["output.layer\(block)"] = value
      outputs["output.hidden_states.\(block + 1)"] = value
      outputs["output.act.blocks.\(block).out"] = value
    }
    return outputs
  }
}
