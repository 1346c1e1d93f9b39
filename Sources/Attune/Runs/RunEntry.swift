import Foundation
import Launch
import Recipes

/// What the table of runs says of one run.
package struct RunEntry: Codable, Sendable, Equatable {
  package enum State: String, Codable, Sendable, CaseIterable {
    case running, finished, failed, stopped
    /// It says that it runs, but no process writes to it.
    case interrupted
  }

  /// Folder of the run.
  package var folder: String
  package var state: State
  package var name: String?
  package var task: String?
  /// Adapter methods, joined by +; `none` without one.
  package var method: String?
  package var model: String?
  package var seed: Int?
  package var digest: String
  package var step: Int
  package var exitCode: Int32?
  /// What ended a failed run.
  package var error: String?
  package var startedAt: String
  package var finishedAt: String?
  /// From here on: of finished runs alone.
  package var trainableParameters: Int?
  package var seconds: Double?
  package var peakMemoryBytes: Int?
  package var isExperimental: Bool?
  /// Full name and value of the task's metric.
  package var headline: String?
  package var value: Double?
  /// `test/VRMSE` to its value.
  package var metrics: [String: Double] = [:]

  private enum CodingKeys: String, CodingKey {
    case folder, state, name, task, method, model, seed, digest, step, error, seconds, headline
    case value, metrics
    case exitCode = "exit_code"
    case startedAt = "started_at"
    case finishedAt = "finished_at"
    case trainableParameters = "trainable_parameters"
    case peakMemoryBytes = "peak_memory_bytes"
    case isExperimental = "experimental"
  }

  /// Reads a run's folder; nil where it holds no run.
  init?(folder: String) {
    let directory = RunDirectory(path: folder)
    guard let status = directory.status else { return nil }
    self.folder = folder
    state = State(rawValue: status.state.rawValue) ?? .failed
    digest = status.digest
    step = status.step
    exitCode = status.exitCode
    error = status.error
    startedAt = status.startedAt
    finishedAt = status.finishedAt
    if let record = try? directory.read(RunRecord.self, from: "record.json") {
      take(record)
    } else if let recipe = RecipeLoader.tree(of: directory.file("recipe.resolved.yaml")) {
      take(recipe)
    }
  }

  private mutating func take(_ record: RunRecord) {
    name = record.name
    task = record.task
    method = Self.joined(record.model.adapters.map(\.method))
    model = record.model.backbone
    seed = record.seed
    trainableParameters = record.model.trainableParameters
    seconds = record.wallSeconds
    peakMemoryBytes = record.peakMemoryBytes
    isExperimental = record.experimental
    for evaluation in record.evaluations {
      for metric in evaluation.overallMetrics {
        metrics["\(evaluation.split)/\(metric.name)"] = metric.value
      }
    }
    if let evaluation = record.evaluations.first {
      headline = "\(evaluation.split)/\(evaluation.headline)"
      value = evaluation.metrics.first { $0.name == evaluation.headline }?.value
    }
  }

  private mutating func take(_ recipe: PlainValue) {
    func text(_ value: PlainValue?) -> String? {
      guard case .text(let text)? = value else { return nil }
      return text
    }
    name = text(recipe["name"])
    task = text(recipe["task"])
    model = text(recipe["model"]?["backbone"]?["name"]) ?? text(recipe["model"]?["backbone"])
    if case .integer(let number)? = recipe["seed"] { seed = number }
    let adapters: [PlainValue] =
      switch recipe["adapter"] {
      case .list(let adapters)?: adapters
      case let adapter?: [adapter]
      case nil: []
      }
    method = Self.joined(adapters.compactMap { text($0["method"]) })
  }

  private static func joined(_ methods: [String]) -> String {
    methods.isEmpty ? "none" : methods.joined(separator: "+")
  }
}
