import Formats
import Foundation

/// Opens a checkpoint by what it is, whatever it is called: a safetensors file, an index of several,
/// a PyTorch file, an archive of NumPy's arrays, or a folder with `model.safetensors` or
/// `model.safetensors.index.json`.
///
/// - Throws: `CheckpointError`.
package func openCheckpoint(_ path: String) throws(CheckpointError) -> any TensorSource {
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
    throw .file(.fileMissing(path: path))
  }
  if isFolder.boolValue { return try openFolder(path) }
  let file = try reportingFiles { () throws(FormatError) in try MappedFile(path: path) }
  let start = file.data(in: 0..<min(file.bytes.count, 32))
  // First of all, since the length at its start may look like the mark of another format.
  if start.count > 8, start[8] == UInt8(ascii: "{"), start[4..<8].allSatisfy({ $0 == 0 }) {
    return try SafetensorsFile(path: path)
  }
  if start.starts(with: Array("PK".utf8)) {
    let archive = try reportingFiles { () throws(FormatError) in try ZipFile(path: path) }
    if NPZFile.fits(archive) { return try NPZCheckpoint(archive) }
    return TorchCheckpoint(try TorchArchive(archive))
  }
  if TorchStream.fits(start) { return TorchCheckpoint(try TorchStream(file)) }
  if start.first == 0x80 {
    throw .file(
      .unsupported(
        path: path, what: "a pickle that torch.save did not write",
        remedy: "Save the state dictionary with torch.save, or as safetensors."))
  }
  // Text has no zero byte; the length at the start of a safetensors file has several.
  if start.first == UInt8(ascii: "{"), !start.prefix(9).contains(0) {
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
