package import Foundation
import Formats
package import Tensors

/// A run's `checkpoints/` folder: whole training states by step, with links to the best and last.
///
/// A state is a folder `step_00001200/` with `state.safetensors`, `state.json` and, written last,
/// `complete`; it appears under its name only when all of it is on disk.
package struct CheckpointFolder: Sendable {
  package let path: String

  package init(path: String) { self.path = path }

  /// Writes a state, points `last` (and `best`) to it, and removes old ones.
  ///
  /// `step` counts optimizer steps done, `info` is the content of `state.json`, and `keep` the number
  /// of newest states to keep besides best and last.
  package func save(
    step: Int, tensors: [(name: String, tensor: Tensor)], info: Data, isBest: Bool, keep: Int
  ) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let name = Self.name(of: step)
    if !isComplete(name) {
      let folder = try AtomicDirectory(path: path + "/" + name)
      try writeSafetensors(tensors, to: folder.file("state.safetensors"))
      try info.write(to: URL(fileURLWithPath: folder.file("state.json")))
      try Data("complete\n".utf8).write(to: URL(fileURLWithPath: folder.file("complete")))
      try folder.commit()
    }
    if isBest { try link("best", to: name) }
    try link("last", to: name)
    try removeOld(keep: keep)
  }

  /// Points `best` to a state that is here: a killed writer may have left it at an older one.
  package func markBest(step: Int) throws {
    let name = Self.name(of: step)
    if isComplete(name) { try link("best", to: name) }
  }

  /// Steps of all complete states, ascending.
  package var steps: [Int] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return names.compactMap { name in
      guard name.hasPrefix("step_"), isComplete(name) else { return nil }
      return Int(name.dropFirst(5))
    }.sorted()
  }

  /// The newest complete state.
  package var newest: String? { steps.last.map { path + "/" + Self.name(of: $0) } }

  /// The folder that `best` or `last` points to.
  package func linked(_ name: String) -> String? {
    guard
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path + "/" + name),
      isComplete(target)
    else { return nil }
    return path + "/" + target
  }

  /// Reads a state's tensors and `state.json`.
  package static func load(_ folder: String) throws -> (tensors: SafetensorsFile, info: Data) {
    (
      try SafetensorsFile(path: folder + "/state.safetensors"),
      try Data(contentsOf: URL(fileURLWithPath: folder + "/state.json"))
    )
  }

  private static func name(of step: Int) -> String {
    let digits = String(step)
    return "step_" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }

  private func isComplete(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(path)/\(name)/complete")
  }

  /// Replaces a symbolic link in one step.
  private func link(_ name: String, to target: String) throws {
    let temporary = "\(path)/.\(name).tmp"
    try? FileManager.default.removeItem(atPath: temporary)
    try FileManager.default.createSymbolicLink(
      atPath: temporary, withDestinationPath: target)
    guard rename(temporary, "\(path)/\(name)") == 0 else {
      throw FormatError.writeFailed(
        path: "\(path)/\(name)", reason: String(cString: strerror(errno)))
    }
  }

  private func removeOld(keep: Int) throws {
    let linked = ["best", "last"].compactMap {
      try? FileManager.default.destinationOfSymbolicLink(atPath: path + "/" + $0)
    }
    for step in steps.dropLast(max(1, keep)) where !linked.contains(Self.name(of: step)) {
      try FileManager.default.removeItem(atPath: path + "/" + Self.name(of: step))
    }
    for leftover in try FileManager.default.contentsOfDirectory(atPath: path)
    where leftover.hasPrefix(".step_") {
      try? FileManager.default.removeItem(atPath: path + "/" + leftover)
    }
  }
}
