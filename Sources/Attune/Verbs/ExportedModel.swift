package import Adapters
import Backbones
import Checkpoints
import Foundation
import Formats
import Layers
package import Recipes
package import Tensors

/// A merged model as the folder of another program: `model.safetensors` and, where the program has
/// one, `config.json`.
package struct ExportedModel {
  package let tensors: [(name: String, tensor: Tensor)]
  /// What the program builds the model from; nil where it reads tensors alone.
  package let configuration: PlainValue?

  /// Folds the adapters in and renames.
  ///
  /// - Throws: `ExportError` where the backbone has no such layout, or one whose tensors are not
  ///   simply parts of parameters; `AdapterError` for an adapter that cannot be folded in.
  package init(
    _ model: AdaptedModel, of network: Network, as format: ExportRequest.Format
  ) throws {
    let layout = try Self.layout(of: network, for: format)
    tensors = try Self.renamed(model.mergedWeights(), by: layout, format)
    if format != .safetensors, let backbone = network.backbone {
      configuration = backbone.exportedConfiguration(layout: layout.name)
    } else {
      configuration = nil
    }
    guard format == .safetensors || configuration != nil else {
      throw ExportError(
        format: format, reason: "\(format.rawValue) has no model with these options",
        remedy: "Use --format safetensors")
    }
  }

  /// Writes the folder as a whole or not at all.
  package func write(to path: String) throws {
    let folder = try AtomicDirectory(path: path)
    try writeSafetensors(tensors, to: folder.file("model.safetensors"))
    if let configuration {
      try writeAtomically(
        Data((JSONValue(configuration).sortedText + "\n").utf8), to: folder.file("config.json"))
    }
    try folder.commit()
  }

  private static func layout(
    of network: Network, for format: ExportRequest.Format
  ) throws(ExportError) -> KeyLayout {
    if case .task(let task) = network, let decoder = task.decoder, format != .safetensors {
      throw ExportError(
        format: format,
        reason: "\(format.rawValue) has no \(type(of: decoder).name) on this backbone",
        remedy: "Use --format safetensors")
    }
    let layouts = network.layouts
    let wanted =
      format == .safetensors ? layouts.first : layouts.first { $0.name == format.rawValue }
    guard let wanted else {
      throw ExportError(
        format: format,
        reason: "this model has no such layout, only "
          + layouts.map(\.name).uniqued().joined(separator: ", "),
        remedy: "Use --format safetensors")
    }
    return wanted
  }

  private static func renamed(
    _ values: [(path: String, value: Tensor)], by layout: KeyLayout, _ format: ExportRequest.Format
  ) throws(ExportError) -> [(name: String, tensor: Tensor)] {
    var tensors: [(name: String, tensor: Tensor)] = []
    for (path, value) in values {
      let parts = layout.parts(of: path)
      guard parts.allSatisfy({ $0.arranged == nil && !$0.isAdded }) else {
        throw ExportError(
          format: format, reason: "its \(parts[0].key) is not \(path) or a part of it",
          remedy: "Use --format safetensors")
      }
      guard parts.count > 1 else {
        tensors.append((parts[0].key, value))
        continue
      }
      guard let rows = value.shape.first, rows % parts.count == 0 else {
        throw ExportError(
          format: format,
          reason: "\(path) \(value.shape) cannot be cut into \(parts.count) equal parts",
          remedy: "Use --format safetensors")
      }
      let size = rows / parts.count
      for (index, part) in parts.enumerated() {
        tensors.append((part.key, value.sliced(axis: 0, (index * size)..<((index + 1) * size))))
      }
    }
    return tensors
  }
}

/// Writes the only adapter of a model as PEFT reads it, and says how many tensors it has.
package func exportAdapter(
  _ model: AdaptedModel, of network: Network, to path: String, base: String?, baseDigest: String
) throws -> Int {
  let adapters = model.adapters.filter { $0.method != nil }
  guard let adapter = adapters.first, model.adapters.count == 1 else {
    throw ExportError(
      format: .peft,
      reason: adapters.isEmpty
        ? "the run trained no adapter"
        : "the run trained \(model.adapters.count) adapters at once, PEFT applies one",
      remedy: "Use --format timm or safetensors, which hold the merged model")
  }
  if case .task(let task) = network, let decoder = task.decoder {
    throw ExportError(
      format: .peft,
      reason: "the base model of PEFT has no \(type(of: decoder).name), which is saved with the "
        + "adapter", remedy: "Use --format safetensors, which holds the merged model")
  }
  let layout = network.layouts[0]
  let modules = try PortableModules(adapter, on: model.tree) { layout.key(of: $0) }
  try adapter.save(
    to: path, base: base, baseDigest: baseDigest, on: model.tree, modules: modules)
  return try SafetensorsFile(path: path + "/" + PEFTDirectory.weightsName).names.count
}
