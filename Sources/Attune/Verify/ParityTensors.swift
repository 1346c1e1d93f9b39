import Checkpoints
import Foundation
import Formats
import Recipes
import Tensors

/// The tensors of a parity case by the names of `attune-case/1`: `weight.KEY`, `input.*`,
/// `output.*`, `loss`, `grad.KEY`, whatever files they lie in.
struct ParityTensors: Sendable {
  /// In the order of the files.
  private(set) var names: [String] = []
  /// Names of the description that differ from those here.
  private(set) var aliases: [String: String] = [:]
  /// The file that the description gives for the weights.
  private(set) var checkpointPath: String?
  private var places: [String: (source: any TensorSource, key: String)] = [:]

  /// None.
  init() {}

  /// The file beside a JSON file, with the weights of the named checkpoint where it has none.
  init(case description: JSONObject, path: String) throws {
    let data = try SafetensorsFile(path: path.replacing(#/\.json$/#, with: ".safetensors"))
    for name in data.names { add(name, data, name) }
    guard let checkpoint = description["checkpoint"]?.object else { return }
    guard let file = checkpoint["file"]?.string else {
      throw VerifyError("\(path): checkpoint.file is missing")
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    let place = URL(fileURLWithPath: file, relativeTo: folder).path
    checkpointPath = place
    guard checkpoint["format"]?.string == "safetensors" else { return }
    if let expected = checkpoint["sha256"]?.string {
      let found = try SHA256Digest.ofFile(place)
      guard found == expected else {
        throw VerifyError(
          "\(path): \(place) is another file than the case was made of (SHA-256 \(found), expected "
            + "\(expected)). Make the case again")
      }
    }
    addWeights(try openCheckpoint(place))
  }

  /// The files of a folder of an adapter case that has no adapter: names there lack their prefixes.
  init(folderCase description: JSONObject, path: String) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    func open(_ field: String) throws -> any TensorSource {
      guard let file = description[field]?.string else {
        throw VerifyError("\(path): \(field) is missing")
      }
      return try openCheckpoint(folder.appending(path: file).path)
    }
    let outputs = Set((description["outputs"]?.array ?? []).compactMap(\.string))
    var arguments: [String: String] = [:]
    for (argument, value) in description["call"]?.object?.entries ?? [] {
      if let name = value.string { arguments[name] = argument }
    }
    let values = try open("io")
    for key in values.names where key != "loss" {
      let name =
        outputs.contains(key) ? "output." + key : "input." + (arguments[key] ?? key)
      add(name, values, key)
      aliases[key] = name
    }
    if values.names.contains("loss") { add("loss", values, "loss") }
    let gradients = try open("grads")
    for key in gradients.names { add(key, gradients, key) }
    addWeights(try open("weights"))
  }

  /// The files of a folder of an adapter case: what is no input, loss or auxiliary value is compared.
  init(adapterCase path: String) throws {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    let values = try openCheckpoint(folder.appending(path: "io.safetensors").path)
    let judged = ["output_adapted", "output_merged", "logits_for_loss", "regulariser"]
    let prefixes = ["merged.", "regulariser.", "faig.", "faig_filter."]
    for key in values.names {
      let isJudged =
        judged.contains(key) || prefixes.contains { key.hasPrefix($0) }
      let isNamed = ["aux.", "input.", "output."].contains { key.hasPrefix($0) }
      let name =
        key == "loss" || isNamed
        ? key : isJudged ? "output." + key : "input." + (key == "input" ? "x" : key)
      add(name, values, key)
      aliases[key] = name
    }
    let gradients = folder.appending(path: "grads.safetensors").path
    guard FileManager.default.fileExists(atPath: gradients) else { return }
    let source = try openCheckpoint(gradients)
    for key in source.names { add(key, source, key) }
  }

  /// The tensor of that name, or nil.
  func tensor(_ name: String) throws(CheckpointError) -> Tensor? {
    guard let place = places[name] else { return nil }
    return try place.source.tensor(place.key)
  }

  private mutating func addWeights(_ source: any TensorSource) {
    for key in source.names { add("weight." + key, source, key) }
  }

  private mutating func add(_ name: String, _ source: any TensorSource, _ key: String) {
    names.append(name)
    places[name] = (source, key)
  }
}
