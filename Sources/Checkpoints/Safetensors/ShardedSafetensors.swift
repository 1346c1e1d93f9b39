import Formats
package import Tensors

/// A checkpoint in several safetensors files with an index of which file holds which tensor.
package final class ShardedSafetensors: TensorSource {
  /// The index file.
  package let path: String
  package var format: String { "safetensors in \(shards.count) files" }
  package let names: [String]
  package let files: [String]
  /// Sentences about what was left out.
  package let notes: [String]
  private let shards: [String: SafetensorsFile]
  private let shardOfName: [String: String]

  /// Opens an index, `model.safetensors.index.json`, and all files that it names.
  ///
  /// - Throws: `CheckpointError.file` where a file is missing, lies elsewhere or lacks a promised
  ///   tensor; `.duplicateTensor` where two files hold one name.
  package init(indexPath path: String) throws(CheckpointError) {
    let index = try reportingFiles { () throws(FormatError) in try JSONValue(contentsOf: path) }
    func malformed(_ reason: String) -> CheckpointError {
      .malformed(path, "safetensors index", reason)
    }
    guard let map = index.object?["weight_map"]?.object else {
      throw malformed("it has no weight_map")
    }
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    var shards: [String: SafetensorsFile] = [:]
    var shardOfName: [String: String] = [:]
    for (name, value) in map.entries {
      guard let shard = value.string else { throw malformed("'\(name)' maps to no file name") }
      guard !shard.isEmpty, !shard.contains("/"), !shard.contains("\\"), shard != ".." else {
        throw malformed("'\(shard)' is not the name of a file beside the index")
      }
      let file: SafetensorsFile
      if let opened = shards[shard] {
        file = opened
      } else {
        file = try SafetensorsFile(path: folder + shard)
        shards[shard] = file
      }
      guard file.entry(name) != nil else { throw file.missing(name) }
      shardOfName[name] = shard
    }
    var holder: [String: String] = [:]
    var unlisted: [String] = []
    for (shard, file) in shards.sorted(by: { $0.key < $1.key }) {
      for name in file.names {
        if let other = holder.updateValue(shard, forKey: name) {
          throw .duplicateTensor(path: path, name: name, places: [other, shard])
        }
        if shardOfName[name] == nil { unlisted.append("\(name) (\(shard))") }
      }
    }
    self.path = path
    names = map.keys
    files = [path] + shards.keys.sorted().map { folder + $0 }
    notes = unlisted.map { "\(path): tensor \($0) is not in the index and was left out" }
    self.shards = shards
    self.shardOfName = shardOfName
  }

  package func entry(_ name: String) -> TensorEntry? { file(of: name)?.entry(name) }

  package func tensor(_ name: String) throws(CheckpointError) -> Tensor {
    guard let file = file(of: name) else { throw missing(name) }
    return try file.tensor(name)
  }

  private func file(of name: String) -> SafetensorsFile? {
    shardOfName[name].flatMap { shards[$0] }
  }
}
