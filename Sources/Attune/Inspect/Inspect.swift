import Checkpoints
import Foundation
import Formats
import Recipes

/// What `inspect` found: what a file or folder is, facts about it, and its parts.
package struct Inspection: Codable, Sendable {
  /// What a file or folder can be.
  package enum Kind: String, Codable, Sendable {
    case checkpoint, adapter, data, run, recipe
    case trainingState = "training state"
  }

  /// A named fact.
  package struct Fact: Codable, Sendable, Equatable {
    package var name: String
    package var value: String
  }

  /// A tensor, an object of a data file, or a module of a model.
  package struct Part: Codable, Sendable, Equatable {
    package var name: String
    package var shape: [Int]?
    /// Element type, or what kind of part it is.
    package var type: String
    /// Groups of a module, filters of a data set.
    package var note: String?
    /// What the values of a tensor are, where asked for.
    package var values: Values?
  }

  /// Facts about a tensor's values.
  package struct Values: Codable, Sendable, Equatable {
    /// Of the values as they are read, little-endian: 16-bit floats as F32.
    package var sha256: String
    package var nan: Int
    package var infinite: Int
  }

  package var path: String
  package var kind: Kind
  package var facts: [Fact] = []
  package var parts: [Part] = []

  init(_ path: String, _ kind: Kind) {
    self.path = path
    self.kind = kind
  }

  mutating func add(_ name: String, _ value: (some CustomStringConvertible)?) {
    if let value { facts.append(Fact(name: name, value: value.description)) }
  }
}

/// Says what a file or folder is, decided by its content.
///
/// - Parameters:
///   - path: what to look at.
///   - readingValues: whether tensors are read for digests and counts of NaN; else a checkpoint of
///     any size is only opened.
/// - Returns: what was found.
/// - Throws: `FormatError`, `CheckpointError` or `RecipeError` for what cannot be read.
package func inspect(_ path: String, readingValues: Bool = false) throws -> Inspection {
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
    throw FormatError.fileMissing(path: path)
  }
  return isFolder.boolValue
    ? try inspectFolder(path, readingValues) : try inspectFile(path, readingValues)
}

private func inspectFolder(_ path: String, _ readingValues: Bool) throws -> Inspection {
  func has(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: path + "/" + name)
  }
  if has("status.json") { return try inspectRun(path) }
  if has(PEFTDirectory.configurationName) { return try inspectAdapter(path, readingValues) }
  if has("state.safetensors") {
    var inspection = try inspectCheckpoint(path + "/state.safetensors", readingValues)
    inspection.kind = .trainingState
    inspection.path = path
    inspection.add("complete", has("complete"))
    return inspection
  }
  if has("model.safetensors") || has("model.safetensors.index.json") {
    return try inspectCheckpoint(path, readingValues)
  }
  let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  throw FormatError.objectMissing(
    path: path, object: "status.json, adapter_config.json or model.safetensors", kind: "file",
    available: names)
}

private func inspectFile(_ path: String, _ readingValues: Bool) throws -> Inspection {
  guard let handle = FileHandle(forReadingAtPath: path) else {
    throw FormatError.cannotRead(path: path, reason: "it cannot be opened")
  }
  let head = try handle.read(upToCount: 4096) ?? Data()
  try handle.close()
  if head.starts(with: [0x89, 0x48, 0x44, 0x46]) { return try inspectData(path) }
  let isText = !head.isEmpty && !head.contains(0) && String(data: head, encoding: .utf8) != nil
  if isText, head.first != UInt8(ascii: "{") { return try inspectRecipe(path) }
  return try inspectCheckpoint(path, readingValues)
}

// MARK: Runs

private func inspectRun(_ path: String) throws -> Inspection {
  let directory = RunDirectory(path: path)
  let status = try directory.read(RunDirectory.Status.self, from: "status.json")
  var inspection = Inspection(path, .run)
  inspection.add("state", status.state.rawValue)
  inspection.add("digest", status.digest)
  inspection.add("program", status.program)
  inspection.add("step", status.step)
  inspection.add("started", status.startedAt)
  inspection.add("finished", status.finishedAt)
  inspection.add("error", status.error)
  let checkpoints = CheckpointFolder(path: directory.file("checkpoints"))
  inspection.add("checkpoints", checkpoints.steps.map { "step \($0)" }.joined(separator: ", "))
  guard FileManager.default.fileExists(atPath: directory.file("record.json")) else {
    return inspection
  }
  let record = try directory.read(RunRecord.self, from: "record.json")
  inspection.add(
    "trained", "\(record.model.trainableParameters) of \(record.model.totalParameters)")
  for evaluation in record.evaluations {
    for metric in evaluation.metrics {
      inspection.add("\(evaluation.split)/\(metric.name)", String(format: "%.4g", metric.value))
    }
  }
  return inspection
}
