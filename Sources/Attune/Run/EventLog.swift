import Foundation
import Formats
import Launch
import Recipes

/// Appends to `steps.jsonl`, and to `metrics.jsonl`, `metrics.csv`, TensorBoard's event file and an
/// MLflow store as `tracking` says; cuts them back on resume.
final class EventLog {
  private let directory: RunDirectory
  private let steps: FileHandle
  private let metrics: FileHandle?
  private let table: String?
  private let tensorBoard: TensorBoardLog?
  private let mlflow: MLflowLog?
  private var evaluations: [MetricsEvent]

  /// Opens the logs of a run.
  ///
  /// The recipe says which are written, and where. Line 0 of `steps.jsonl` is the digest of the
  /// starting values; lines after `step`, from which training goes on, are removed.
  init(
    _ directory: RunDirectory, plan: RunPlan, status: RunDirectory.Status, initialDigest: String,
    resumingAt step: Int
  ) throws {
    let (recipe, tracking) = (plan.recipe, plan.recipe.tracking)
    self.directory = directory
    let stepsPath = directory.file("steps.jsonl")
    let oldSteps = Self.lines(stepsPath).dropFirst().filter { line in
      let event = try? JSONLines.event(StepEvent.self, in: line, file: "", number: 0)
      return event.map { $0.step <= step } ?? false
    }
    let first = JSONLines.line(initialDigest: initialDigest)
    let kept = step > 0 ? oldSteps.map { $0 + "\n" }.joined() : ""
    try directory.write(text: first + kept, to: "steps.jsonl")
    steps = try Self.appending(stepsPath)
    try Self.recordStart(directory, at: step)

    let lines = tracking.jsonLines.path(standard: directory.file("metrics.jsonl"))
    table = tracking.csv.path(standard: directory.file("metrics.csv"))
    let old = lines.map(Self.events(inLines:)) ?? table.map(Self.events(inTable:)) ?? []
    evaluations = step > 0 ? old.filter { $0.step <= step } : []
    if let lines {
      try writeAtomically(
        Data(evaluations.map { JSONLines.line($0) }.joined().utf8), to: lines)
    }
    metrics = try lines.map(Self.appending)
    tensorBoard = try tracking.tensorBoard.path(standard: directory.file("tb")).map {
      try TensorBoardLog(folder: $0, host: MachineInfo.current.host, resumingAt: step)
    }
    mlflow = try tracking.mlflow.path(standard: recipe.output.directory + "/mlruns").map {
      try MLflowLog(
        store: $0, recipe: plan.resolved, experiment: recipe.name, run: directory,
        digest: status.digest, startedAt: status.startedAt, resumingAt: step)
    }
  }

  deinit {
    try? steps.close()
    try? metrics?.close()
  }

  func append(_ event: StepEvent) throws {
    try Self.append(JSONLines.line(event), to: steps, at: directory.file("steps.jsonl"))
    try tensorBoard?.append(event)
    try mlflow?.append(
      [
        ("train/loss", event.loss), ("train/lr", event.learningRate),
        ("train/grad_norm", event.gradientNorm),
      ], step: event.step)
  }

  func append(_ event: MetricsEvent) throws {
    if let metrics {
      try Self.append(JSONLines.line(event), to: metrics, at: directory.file("metrics.jsonl"))
    }
    evaluations.append(event)
    if let table { try writeAtomically(Data(csv().utf8), to: table) }
    try tensorBoard?.append(event)
    try mlflow?.append(
      event.metrics.filter { $0.key != "train/loss" }.map { ($0.key, $0.value) }, step: event.step)
  }

  /// The run has ended; where it is finished, `record` holds its final evaluations.
  func end(_ state: RunDirectory.Status.State, _ record: RunRecord? = nil) throws {
    for evaluation in record?.evaluations ?? [] {
      try mlflow?.append(
        evaluation.overallMetrics.map { ("\(evaluation.split)/\($0.name)", $0.value) },
        step: evaluation.step, once: true)
    }
    switch state {
    case .running: break
    case .finished: try mlflow?.end(.finished)
    case .failed: try mlflow?.end(.failed)
    case .stopped: try mlflow?.end(.killed)
    }
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

  /// Adds a line to `starts.jsonl` for a run that goes on from a checkpoint, for `diff`.
  private static func recordStart(_ directory: RunDirectory, at step: Int) throws {
    let old = step > 0 ? lines(directory.file(RunStart.fileName)).map { $0 + "\n" }.joined() : ""
    let line = String(decoding: try JSONEncoder().encode(RunStart(step: step)), as: UTF8.self)
    try directory.write(text: old + line + "\n", to: RunStart.fileName)
  }

  private static func events(inLines path: String) -> [MetricsEvent] {
    lines(path).compactMap {
      try? JSONLines.event(MetricsEvent.self, in: $0, file: "", number: 0)
    }
  }

  /// The rows that `csv()` wrote.
  private static func events(inTable path: String) -> [MetricsEvent] {
    let rows = lines(path).map { $0.split(separator: ",", omittingEmptySubsequences: false) }
    guard let names = rows.first?.dropFirst(3) else { return [] }
    return rows.dropFirst().compactMap { row in
      guard row.count == names.count + 3, let step = Int(row[0]), let epoch = Double(row[1]),
        let seconds = Double(row[2])
      else { return nil }
      let values = zip(names, row.dropFirst(3)).compactMap { name, text in
        Double(text).map { (String(name), $0) }
      }
      return MetricsEvent(
        step: step, epoch: epoch, seconds: seconds,
        metrics: Dictionary(values) { first, _ in first })
    }
  }

  private static func lines(_ path: String) -> [String] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").map(String.init)
  }

  private static func append(_ line: String, to file: FileHandle, at path: String) throws {
    do {
      try file.write(contentsOf: Data(line.utf8))
    } catch {
      throw FormatError.writeFailed(path: path, reason: error.localizedDescription)
    }
  }

  private static func appending(_ path: String) throws -> FileHandle {
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    try handle.seekToEnd()
    return handle
  }
}

extension TrackingSection.Log {
  /// Where the log goes; nil for one that is off.
  fileprivate func path(standard: String) -> String? {
    switch self {
    case .off: nil
    case .on: standard
    case .at(let path): path
    }
  }
}

/// One line of `starts.jsonl`: the step that a process went on from, 0 for a run's beginning.
struct RunStart: Codable, Sendable, Equatable {
  static let fileName = "starts.jsonl"

  var step: Int
}
