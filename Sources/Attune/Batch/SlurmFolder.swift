import Foundation
import Formats
import Launch
import Recipes

/// One array of Slurm in `<output>/slurm/<number>/`: its script, its jobs, and what became of each.
///
/// Tasks write files of their own alone, so that no file system needs to know locks.
struct SlurmFolder: Sendable {
  struct Job: Codable, Sendable, Equatable {
    var name: String
    var label: String
    var work: BatchJob
  }

  /// `jobs.json`: what was submitted, task by task.
  struct Jobs: Codable, Sendable {
    var jobs: [Job]
    /// Number of the array; nil where it was never given to Slurm.
    var array: String?
  }

  /// `<task>.json`: what a task did last.
  struct Record: Codable, Sendable, Equatable {
    enum State: String, Codable, Sendable { case running, finished, failed, stopped }

    var state: State
    var attempts: Int
    var exitCode: Int32?
    var message: String?
    var directory: String?
    var progress: String?
    var isSkipped = false
    var host: String
    var changedAt: String

    private enum CodingKeys: String, CodingKey {
      case state, attempts, message, directory, progress, host
      case exitCode = "exit_code"
      case isSkipped = "skipped"
      case changedAt = "changed_at"
    }
  }

  let path: String

  /// Makes the next folder below an output folder.
  ///
  /// - Throws: `FormatError.cannotCreate`.
  static func make(in output: String) throws(FormatError) -> SlurmFolder {
    let parent = output + "/slurm"
    let files = FileManager.default
    do {
      try files.createDirectory(atPath: parent, withIntermediateDirectories: true)
    } catch {
      throw .cannotCreate(path: parent, reason: error.localizedDescription)
    }
    var number = (numbers(in: output).last ?? 0) + 1
    // Another batch may take the same number.
    while mkdir("\(parent)/\(number)", 0o777) != 0 {
      guard errno == EEXIST else {
        throw .cannotCreate(
          path: "\(parent)/\(number)", reason: String(cString: strerror(errno)))
      }
      number += 1
    }
    return SlurmFolder(path: "\(parent)/\(number)")
  }

  /// All arrays of an output folder, in the order in which they were made.
  static func all(in output: String) -> [SlurmFolder] {
    numbers(in: output).map { SlurmFolder(path: "\(output)/slurm/\($0)") }
  }

  private static func numbers(in output: String) -> [Int] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: output + "/slurm")
    return (names ?? []).compactMap { Int($0) }.sorted()
  }

  var jobs: Jobs? { read("jobs.json") }

  func write(_ jobs: Jobs) throws(FormatError) { try write(jobs, to: "jobs.json") }

  func record(of task: Int) -> Record? { read("\(task).json") }

  func write(_ record: Record, of task: Int) throws(FormatError) {
    try write(record, to: "\(task).json")
  }

  private func read<Value: Decodable>(_ name: String) -> Value? {
    FileManager.default.contents(atPath: "\(path)/\(name)").flatMap {
      try? JSONDecoder().decode(Value.self, from: $0)
    }
  }

  private func write(_ value: some Encodable, to name: String) throws(FormatError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { return }
    try writeAtomically(data + Data("\n".utf8), to: "\(path)/\(name)")
  }
}
