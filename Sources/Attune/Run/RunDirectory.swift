import Foundation
import Formats
import Launch
import Recipes

/// A run's folder `<output.dir>/<name>/<digest8>-s<seed>/` and the files in it.
package struct RunDirectory: Sendable {
  package let path: String

  package init(path: String) { self.path = path }

  init(recipe: Recipe, digest: String) {
    let root = recipe.output.directory
    path = "\(root)/\(recipe.name)/\(digest.prefix(8))-s\(recipe.seed)"
  }

  /// `status.json`.
  package struct Status: Codable, Sendable, Equatable {
    package enum State: String, Codable, Sendable { case running, finished, failed, stopped }

    package var state: State
    package var program: String
    package var digest: String
    package var step: Int
    /// Ranks whose batches the run has, `data.batch_size` samples each; nil for one.
    package var ranks: Int?
    package var exitCode: Int32?
    package var startedAt: String
    package var finishedAt: String?
    /// What ended a failed run.
    package var error: String?

    private enum CodingKeys: String, CodingKey {
      case state, program, digest, step, ranks, error
      case exitCode = "exit_code"
      case startedAt = "started_at"
      case finishedAt = "finished_at"
    }
  }

  func file(_ name: String) -> String { path + "/" + name }

  package var status: Status? {
    guard let data = FileManager.default.contents(atPath: file("status.json")) else { return nil }
    return try? JSONDecoder().decode(Status.self, from: data)
  }

  func write(_ status: Status) throws { try write(json: status, to: "status.json") }

  /// Writes a value as pretty JSON with sorted keys, as a whole or not at all.
  func write(json value: some Encodable, to name: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    var data = try encoder.encode(value)
    data.append(UInt8(ascii: "\n"))
    try writeAtomically(data, to: file(name))
  }

  func write(text: String, to name: String) throws {
    try writeAtomically(Data(text.utf8), to: file(name))
  }

  /// Reads a JSON file of the run.
  package func read<Value: Decodable>(_ type: Value.Type, from name: String) throws -> Value {
    guard let data = FileManager.default.contents(atPath: file(name)) else {
      throw RunError.notARun(path: path, reason: "\(name) is missing")
    }
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    do {
      return try decoder.decode(type, from: data)
    } catch {
      throw RunError.notARun(path: path, reason: "\(name) cannot be read: \(error)")
    }
  }

  /// Makes the folder and takes the sole right to write to it, which lasts as long as the value.
  ///
  /// - Throws: `RunError.inUse` where another process has it.
  func lock() throws -> FileLock {
    try makeFolder()
    let path = file(Self.lockName)
    do {
      guard let lock = try FileLock(path: path) else {
        throw refusal
      }
      return lock
    } catch let refusal as FileLock.Refusal {
      throw FormatError.cannotCreate(path: refusal.path, reason: refusal.reason)
    }
  }

  /// What is said to another that wants to write to the folder.
  var refusal: RunError { .inUse(path: path, by: FileLock.holder(of: file(Self.lockName))) }

  /// Whether a process has the right to write to the folder just now.
  var isLocked: Bool { FileLock.isHeld(file(Self.lockName)) }

  /// Removes all that is in the folder but the lock.
  func empty() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: path)
    for name in names where name != Self.lockName {
      try FileManager.default.removeItem(atPath: file(name))
    }
  }

  private static let lockName = ".lock"

  func makeFolder(_ name: String = "") throws {
    let folder = name.isEmpty ? path : file(name)
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw FormatError.cannotCreate(path: folder, reason: error.localizedDescription)
    }
  }
}

/// The present moment in ISO 8601, UTC, to the second.
func timestamp() -> String { Date().formatted(.iso8601) }
