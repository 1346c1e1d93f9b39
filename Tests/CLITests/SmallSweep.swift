import Foundation
import Glibc
import TestSupport
import Testing

/// A folder with a recipe of several runs that train in a second each.
struct SmallSweep {
  let small: SmallRun

  var folder: TemporaryDirectory { small.folder }

  /// Makes the folder; `sweep` is the section, in braces.
  init(_ sweep: String = "{train.optimizer.lr: [1e-2, 1e-3], seeds: [0, 1]}") async throws {
    small = try await SmallRun()
    try small.folder.write(SmallRun.recipe + "\nsweep: \(sweep)\n", to: "recipe.yaml")
  }

  /// What `attune batch … --json` printed.
  struct Summary: Decodable {
    struct Job: Decodable {
      let id: Int64
      let label: String
      let state: String
      let skipped: Bool
      let attempts: Int
      let exit_code: Int32?
      let message: String?
      let directory: String?
    }

    let stopped: Bool?
    let jobs: [Job]

    var states: [String] { jobs.map(\.state) }
  }

  /// Arguments that make runs last some seconds, with checkpoints on the way.
  static let long = [
    "--set", "train.max_steps=1500", "--set", "train.save_every=20", "--set",
    "train.eval_every=500",
  ]

  /// Runs a batch to its end and reads its summary.
  func batch(
    _ arguments: String..., recipe: String = "recipe.yaml", exitCode: Int32 = 0
  ) async throws -> Summary {
    try await batch(arguments, recipe: recipe, exitCode: exitCode)
  }

  func batch(
    _ arguments: [String], recipe: String = "recipe.yaml", exitCode: Int32 = 0
  ) async throws -> Summary {
    let ended = try await Binary.run(
      ["batch", recipe, "--json"] + arguments, in: folder.url, timeLimit: .seconds(300))
    #expect(ended.exitCode == exitCode, "\(ended.standardError)\n\(log)")
    return try summary(ended)
  }

  func start(_ arguments: [String]) throws -> Program {
    try Binary.start(["batch", "recipe.yaml", "--json"] + arguments, in: folder.url)
  }

  func summary(_ outcome: Program.Outcome) throws -> Summary {
    try JSONDecoder().decode(Summary.self, from: Data(outcome.standardOutput.utf8))
  }

  func status() async throws -> Summary {
    try summary(try await small.attune("queue", "status", "-o", "out", "--json"))
  }

  /// Waits until some job has a checkpoint, without giving up the thread: other tests might hold it
  /// until the jobs have ended.
  func waitForCheckpoint() {
    for _ in 0..<3000 {
      let names =
        FileManager.default.enumerator(atPath: folder.path("out"))?.compactMap { $0 as? String }
      if names?.contains(where: { $0.hasSuffix("checkpoints/last") }) == true { return }
      usleep(10_000)
    }
    Issue.record("no checkpoint: \(log)")
  }

  /// What the workers wrote.
  var log: String {
    (try? String(contentsOfFile: folder.path("out/batch.log"), encoding: .utf8)) ?? ""
  }

  /// Metric rows of all runs in the folder, by run.
  func results() throws -> [String: String] {
    let root = folder.path("out/small")
    let names = try FileManager.default.contentsOfDirectory(atPath: root)
    return try names.filter { $0.contains("-s") }.reduce(into: [:]) { results, name in
      struct Record: Decodable {
        struct Evaluation: Decodable {
          struct Metric: Decodable {
            let name: String
            let value: Double
          }
          let metrics: [Metric]
        }
        let evaluations: [Evaluation]
      }
      let data = try Data(contentsOf: URL(filePath: "\(root)/\(name)/record.json"))
      let record = try JSONDecoder().decode(Record.self, from: data)
      results[name] = record.evaluations.flatMap(\.metrics)
        .map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    }
  }
}

/// Children of a process.
func children(of number: Int32) -> [Int32] {
  let text =
    (try? String(contentsOfFile: "/proc/\(number)/task/\(number)/children", encoding: .utf8)) ?? ""
  return text.split { $0.isWhitespace }.compactMap { Int32($0) }
}

/// Whether a process exists and is not merely waiting to be buried.
func isAlive(_ number: Int32) -> Bool {
  guard let text = try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8) else {
    return false
  }
  return !text.contains(") Z ")
}
