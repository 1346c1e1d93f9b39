import Foundation
import Formats
import Recipes

/// What a run directory says of how the run went, whether it ended or not.
struct RecordedRun: Sendable {
  let directory: RunDirectory
  let status: RunDirectory.Status
  /// Digest of the starting values; nil where the run never reached its first step.
  let initial: String?
  let steps: [StepEvent]
  /// The resolved recipe.
  let recipe: Located
  let environment: RunRecord.Environment
  let data: RunRecord.Data
  /// Digest of the base weights; nil for random ones, or a run that has not ended.
  let weightsDigest: String?
  /// Steps that processes went on from, without the beginning.
  let resumedAt: [Int]

  /// - Throws: `FormatError.fileMissing` for no folder, `RunError.notARun` for another one or a file in
  ///   it that cannot be read.
  init(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw FormatError.fileMissing(path: path)
    }
    let directory = RunDirectory(path: FilePath.absolute(path, relativeTo: FilePath.current))
    self.directory = directory
    status = try directory.read(RunDirectory.Status.self, from: "status.json")
    environment = try directory.read(RunRecord.Environment.self, from: "environment.json")
    data = try directory.read(RunRecord.Data.self, from: "data.json")
    recipe = try Self.recipe(directory)
    (initial, steps) = try Self.steps(directory)
    let record = try? directory.read(RunRecord.self, from: "record.json")
    weightsDigest = record?.model.weights?.digest
    resumedAt = Self.lines(directory, RunStart.fileName).compactMap { line in
      try? JSONDecoder().decode(RunStart.self, from: Data(line.utf8)).step
    }.filter { $0 > 0 }
  }

  private static func recipe(_ directory: RunDirectory) throws -> Located {
    let name = "recipe.resolved.yaml"
    guard
      let text = FileManager.default.contents(atPath: directory.file(name))
        .map({ String(decoding: $0, as: UTF8.self) })
    else { throw RunError.notARun(path: directory.path, reason: "\(name) is missing") }
    let diagnostics = Diagnostics()
    let tree = YAMLReader.read(
      text, source: name, directory: directory.path, diagnostics: diagnostics)
    guard let tree, !diagnostics.hasErrors else {
      throw RunError.notARun(path: directory.path, reason: "\(name) cannot be read")
    }
    return tree
  }

  /// Digest of the starting values and the steps; a last line that was cut off is left out.
  private static func steps(_ directory: RunDirectory) throws -> (String?, [StepEvent]) {
    struct First: Decodable { let initial: String }
    let name = "steps.jsonl"
    let lines = Self.lines(directory, name)
    guard let first = lines.first else { return (nil, []) }
    guard let head = try? JSONDecoder().decode(First.self, from: Data(first.utf8)) else {
      throw RunError.notARun(
        path: directory.path, reason: "\(name) does not begin with the starting values")
    }
    let file = directory.file(name)
    var events: [StepEvent] = []
    for (number, line) in lines.enumerated().dropFirst() {
      let isLast = number == lines.count - 1
      if isLast, (try? JSONDecoder().decode(StepEvent.self, from: Data(line.utf8))) == nil,
        !line.hasSuffix("}")
      {
        break
      }
      events.append(try JSONLines.event(StepEvent.self, in: line, file: file, number: number + 1))
    }
    return (head.initial, events)
  }

  private static func lines(_ directory: RunDirectory, _ name: String) -> [String] {
    let data = FileManager.default.contents(atPath: directory.file(name)) ?? Data()
    return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}
