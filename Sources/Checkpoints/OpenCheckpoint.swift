import Formats
import Foundation

/// Opens a checkpoint by what it is, whatever it is called: a safetensors file, an index of several,
/// a PyTorch file, an archive of NumPy's arrays, or a folder with `model.safetensors` or
/// `model.safetensors.index.json`.
///
/// - Throws: `CheckpointError`; pickles outside a zip are refused.
package func openCheckpoint(_ path: String) throws(CheckpointError) -> any TensorSource {
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
    throw .file(.fileMissing(path: path))
  }
  if isFolder.boolValue { return try openFolder(path) }
  let file = try reportingFiles { () throws(FormatError) in try MappedFile(path: path) }
  let start = file.data(in: 0..<min(file.bytes.count, 9))
  if start.starts(with: Array("PK".utf8)) {
    let archive = try reportingFiles { () throws(FormatError) in try ZipFile(path: path) }
    return NPZFile.fits(archive) ? try NPZCheckpoint(archive) : try TorchCheckpoint(archive)
  }
  if start.first == 0x80 {
    throw .file(
      .unsupported(
        path: path, what: "a pickle outside a zip archive, as PyTorch wrote before 1.6,",
        remedy: "Load it in PyTorch and save it again, or as safetensors."))
  }
  // Text has no zero byte; the length at the start of a safetensors file has several.
  if start.first == UInt8(ascii: "{"), !start.contains(0) {
    return try ShardedSafetensors(indexPath: path)
  }
  return try SafetensorsFile(path: path)
}

private func openFolder(_ path: String) throws(CheckpointError) -> any TensorSource {
  let single = path + "/model.safetensors"
  let index = path + "/model.safetensors.index.json"
  if FileManager.default.fileExists(atPath: single) { return try SafetensorsFile(path: single) }
  if FileManager.default.fileExists(atPath: index) {
    return try ShardedSafetensors(indexPath: index)
  }
  let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
  throw .file(
    .objectMissing(
      path: path, object: "model.safetensors or model.safetensors.index.json", kind: "file",
      available: names.sorted()))
}
