import Adapters
import Backbones
import Checkpoints
import Foundation
import Formats
import Layers
import Recipes
import Tensors

/// The small model that adapter cases stand on, with its weights, frozen.
struct AdapterBase {
  let tree: ModuleTree
  let layouts: [KeyLayout]
  private let network: any Backbone

  /// Reads the folder of that name beside the case, or beside the cases of PEFT.
  init(_ name: String, beside folder: String) throws {
    let parent = URL(fileURLWithPath: folder).deletingLastPathComponent()
    let places = [
      parent.appending(path: name),
      parent.deletingLastPathComponent().appending(path: "peft/\(name)"),
    ]
    guard let place = places.first(where: { FileManager.default.fileExists(atPath: $0.path) })
    else {
      throw VerifyError("\(folder): its base \(name) is not beside it")
    }
    let builder = ModelBuilder()
    let description = place.appending(path: "fixture.json").path
    if FileManager.default.fileExists(atPath: description),
      let object = try JSONValue(contentsOf: description).object,
      let config = object["config"]?.object
    {
      let architecture = object["architecture"]?.string ?? ""
      network = ViT(
        try ViTConfiguration(
          reference: config, name: name, isTransformers: architecture.hasPrefix("hf-")),
        in: builder.root)
    } else {
      let config = try JSONValue(contentsOf: place.appending(path: "config.json").path).object
      network = NAFNet(
        try NAFNetConfiguration(
          reference: config?["args"]?.object ?? JSONObject(), name: name), in: builder.root)
    }
    tree = builder.tree
    layouts = network.layouts
    let weights = try openCheckpoint(place.appending(path: "model.safetensors").path)
    guard let layout = layouts.first(where: { $0.recognizes(Set(weights.names)) }) else {
      throw VerifyError("\(place.path): weights of no known layout")
    }
    for parameter in tree.stored {
      parameter.value = try layout.value(of: parameter.path) { try weights.tensor($0) }
      parameter.isTrainable = false
    }
  }

  /// Logits, or the restored image.
  func forward(_ input: Tensor) -> Tensor {
    let output = network(BackboneInput(input), maps: [], .evaluation)
    guard let result = output.logits ?? output.prediction else {
      preconditionFailure("a base without output")
    }
    return result
  }

  /// Attaches the method of a case outside PEFT to its targets, with the case's options.
  ///
  /// Base values among those of the adapter's file are trained.
  func attach(
    _ parityCase: ParityCase, _ file: any TensorSource, _ registries: Registries
  ) throws -> AttachedAdapter {
    let (keys, shapes) = (file.names, { (key: String) in file.entry(key)?.shape })
    // Low-rank pairs of few bits are a method of their own here.
    let isOnRows = parityCase.description["options"]?.object?["placement"]?.string == "lora-qv"
    let name = isOnRows ? "one-bit-lora" : parityCase.description["method"]?.string ?? ""
    guard let type = registries.adapterMethods[name] else {
      throw VerifyError("\(parityCase.name): method \(name) is not offered")
    }
    let diagnostics = Diagnostics()
    let method = type.init(
      OptionReader(
        Located(
          plain: .map(try type.caseOptions(parityCase)), at: SourceLocation(source: parityCase.name)
        ),
        type.options, diagnostics), diagnostics)
    try diagnostics.throwErrors()
    let modules = (parityCase.description["targets"]?.array ?? []).compactMap(\.string)
    let settings = AdapterSettings(name: parityCase.name, method: name)
    let plain = Set(keys.map { $0.replacing("base_model.model.", with: "") })
    let saved = tree.parameters.filter { plain.contains($0.path) }
    if type.capabilities.contains(.blocks) {
      let blocks = tree.blocks.filter { modules.contains($0.path) }
      return try AttachedAdapter(
        settings, method: method, targets: [], blocks: blocks.map { BlockTarget(site: $0) },
        saved: saved, seed: 0)
    }
    let targets = try modules.flatMap { module in
      guard let site = tree.site(module) else {
        throw VerifyError("\(parityCase.name): the base has no module \(module)")
      }
      let rank = rank(site, parityCase, shapes) ?? method.lowRank?.rank ?? 0
      // SNELL's reference has a layer for each part of a fused weight.
      let parts = name == "snell" ? site.rowNames : []
      let rows: [Range<Int>?] =
        isOnRows
        ? site.rowNames.filter { $0.name != "k" }.map(\.rows)
        : parts.isEmpty ? [nil] : parts.map(\.rows)
      return rows.map {
        AdapterTarget(
          site: site, rows: $0, rank: rank, alpha: method.lowRank?.alpha ?? Double(rank))
      }
    }
    return try AttachedAdapter(settings, method: method, targets: targets, saved: saved, seed: 0)
  }

  /// The rank that a case's file has on a module, where it is that of a LoRA pair.
  private func rank(
    _ site: AdaptationSite, _ parityCase: ParityCase, _ shapes: (String) -> [Int]?
  ) -> Int? {
    shapes(PEFTDirectory.key(module: site.path, parameter: "lora_A.weight"))?.first
  }
}

extension AdapterMethod {
  /// The recipe's options for those of a case: fields that bear an option's name.
  fileprivate static func caseOptions(_ parityCase: ParityCase) throws -> [PlainValue.Field] {
    namedOptions(parityCase.description["options"]?.object ?? JSONObject())
  }
}
