import Backbones
import Checkpoints
import Foundation
import Layers
import Recipes
import Tensors

/// Fills a backbone from a checkpoint and says what matched.
///
/// Keys are the reference's; a common prefix `module.` (data-parallel training) is cut off. Every
/// parameter must be found with its shape, and nothing may be left over, unless `strict` is
/// `report`.
func loadWeights(
  _ path: String, into tree: ModuleTree, network: Network, section: ModelSection
) throws -> RunRecord.Weights {
  var source = try openCheckpoint(path).strippingCommonPrefix("module.")
  if let prefix = section.weightsPrefix { source = source.strippingCommonPrefix(prefix) }
  var problems: [String] = []
  var missing: [String] = []
  var wanted = Set<String>()
  var matched = 0
  for parameter in tree.parameters {
    let key = network.layouts[0].key(of: parameter.path)
    wanted.insert(key)
    guard let entry = source.entry(key) else {
      missing.append(key)
      continue
    }
    guard entry.shape == parameter.shape else {
      problems.append(
        "\(key) has shape \(entry.shape), the model expects \(parameter.shape)")
      continue
    }
    let value = try source.tensor(key)
    guard value.isFinite else {
      problems.append("\(key) holds NaN or infinite values")
      continue
    }
    parameter.value = value.dtype == .f32 ? value : value.cast(to: .f32)
    matched += 1
  }
  let unexpected = source.names.filter { !wanted.contains($0) }
  if section.strictness == .strict {
    problems += missing.map { "\($0) is missing" } + unexpected.map { "\($0) is unexpected" }
  }
  if !problems.isEmpty { throw RunError.weightsDoNotFit(path: path, problems: problems) }
  return RunRecord.Weights(
    path: path, digest: try digest(ofCheckpoint: path), matched: matched, missing: missing,
    unexpected: unexpected, resized: [])
}

/// SHA-256 of a checkpoint file, or of the list of files of a sharded one.
func digest(ofCheckpoint path: String) throws -> String {
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue
  else { return try SHA256Digest.ofFile(path) }
  let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  let digests = try names.filter { $0.contains("safetensors") }.map {
    "\($0) \(try SHA256Digest.ofFile(path + "/" + $0))"
  }
  return SHA256Digest.of(digests.joined(separator: "\n"))
}
