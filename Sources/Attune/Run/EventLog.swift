import Foundation
import Recipes

/// Appends to `steps.jsonl`, `metrics.jsonl` and `metrics.csv`, and cuts them back on resume.
final class EventLog {
  private let directory: RunDirectory
  private let steps: FileHandle
  private let metrics: FileHandle
  private var evaluations: [MetricsEvent]

  /// Opens the logs of a run.
  ///
  /// Line 0 of `steps.jsonl` is the digest of the starting values; lines after `step`, from which
  /// training goes on, are removed.
  init(_ directory: RunDirectory, initialDigest: String, resumingAt step: Int) throws {
    self.directory = directory
    let oldSteps = Self.lines(directory.file("steps.jsonl")).dropFirst().filter { line in
      let event = try? JSONLines.event(StepEvent.self, in: line, file: "", number: 0)
      return event.map { $0.step <= step } ?? false
    }
    let oldMetrics = Self.lines(directory.file("metrics.jsonl")).compactMap { line in
      try? JSONLines.event(MetricsEvent.self, in: line, file: "", number: 0)
    }.filter { $0.step <= step }
    evaluations = oldMetrics
    let first = JSONLines.line(initialDigest: initialDigest)
    let kept = step > 0 ? oldSteps.map { $0 + "\n" }.joined() : ""
    try directory.write(text: first + kept, to: "steps.jsonl")
    try directory.write(
      text: step > 0 ? oldMetrics.map { JSONLines.line($0) }.joined() : "", to: "metrics.jsonl")
    if step == 0 { evaluations = [] }
    steps = try Self.appending(directory.file("steps.jsonl"))
    metrics = try Self.appending(directory.file("metrics.jsonl"))
  }

  deinit {
    try? steps.close()
    try? metrics.close()
  }

  func append(_ event: StepEvent) throws {
    try steps.write(contentsOf: Data(JSONLines.line(event).utf8))
  }

  func append(_ event: MetricsEvent) throws {
    try metrics.write(contentsOf: Data(JSONLines.line(event).utf8))
    evaluations.append(event)
    try directory.write(text: csv(), to: "metrics.csv")
  }

  /// One row per evaluation; columns are all metrics by name, stable over a run.
  private func csv() -> String {
    let names = Set(evaluations.flatMap { $0.metrics.keys }).sorted()
    let header = (["step", "epoch", "seconds"] + names).joined(separator: ",")
    let rows = evaluations.map { event in
      (["\(event.step)", "\(event.epoch)", "\(event.seconds)"]
        + names.map { name in event.metrics[name].map { "\($0)" } ?? "" }).joined(separator: ",")
    }
    return ([header] + rows).joined(separator: "\n") + "\n"
  }

  private static func lines(_ path: String) -> [String] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").map(String.init)
  }

  private static func appending(_ path: String) throws -> FileHandle {
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.seekToEnd()
    return handle
  }
}
