import Adapters
import Checkpoints
import Foundation
import Formats
import Layers
import Recipes
import Tensors

/// Writes a model whose layers of few bits are whole numbers with their grids, and says how many
/// tensors it has.
///
/// `model.safetensors` holds such a layer as `LowBitLayer.tensors` below its module, every other value
/// merged, all under the reference's keys; `quantization.json` lists the layers with their bits.
/// - Throws: `ExportError` for a model without such layers, `AdapterError` for another adapter that cannot
///   be folded in.
func exportLowBit(_ model: AdaptedModel, of network: Network, to path: String) throws -> Int {
  let layers = model.lowBitLayers
  guard !layers.isEmpty else {
    throw ExportError(
      format: .lowBit, reason: "no layer of the run is one of few bits",
      remedy: "Train with method efficientdm, or use --format safetensors")
  }
  let layout = network.layouts[0]
  var tensors: [(name: String, tensor: Tensor)] = []
  var listed = JSONObject()
  var taken = Set<String>()
  for (site, layer) in layers {
    let key = layout.key(of: site.weight.path)
    let module = String(key[..<(key.lastIndex(of: ".") ?? key.endIndex)])
    tensors += layer.tensors.map { ("\(module).\($0.name)", $0.tensor) }
    taken.formUnion([site.weight.path] + (site.bias.map { [$0.path] } ?? []))
    var entry = JSONObject()
    entry["weight_bits"] = .integer(layer.weight.bits)
    entry["input_bits"] = layer.input.map { .integer($0.bits) } ?? .null
    entry["shape"] = .array(layer.shape.map { .integer($0) })
    listed[module] = .object(entry)
  }
  var changed: [String: Tensor] = [:]
  for site in model.tree.sites where site.isAdapted && !taken.contains(site.weight.path) {
    do throws(UnmergeableDelta) {
      let merged = try site.merged()
      changed[site.weight.path] = merged.weight
      if let bias = site.bias { changed[bias.path] = merged.bias }
    } catch {
      throw ExportError(
        format: .lowBit, reason: "\(site.path): \(error.reason)",
        remedy: "Adapt the layer by efficientdm too, or leave it out of target_modules")
    }
  }
  for parameter in model.tree.stored where !taken.contains(parameter.path) {
    tensors.append((layout.key(of: parameter.path), changed[parameter.path] ?? parameter.value))
  }
  let folder = try AtomicDirectory(path: path)
  try writeSafetensors(
    tensors, metadata: ["attune_format": "attune-low-bit/1"], to: folder.file("model.safetensors"))
  var root = JSONObject()
  root["format"] = "attune-low-bit/1"
  root["layers"] = .object(listed)
  try writeAtomically(
    Data((JSONValue.object(root).sortedText + "\n").utf8), to: folder.file("quantization.json"))
  try folder.commit()
  return tensors.count
}
