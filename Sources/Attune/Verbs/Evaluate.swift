import Datasets
import Foundation
import Formats
import Recipes
import Reports
import Tasks

/// What `eval` is asked for.
package struct EvalRequest: Sendable {
  /// A run directory, or a recipe.
  package var subject: String
  /// Values of `--set`; for recipes only.
  package var overrides: [String] = []
  /// `train`, `val` or `test`; nil takes `eval.split`.
  package var split: String?
  /// `best` or `last` of a run; nil takes `eval.checkpoint`.
  package var checkpoint: String?
  /// Differences between a run and its present inputs that may pass, by name.
  package var accepted: [String] = []

  package init(subject: String) { self.subject = subject }
}

/// What `eval` measured.
package struct EvalResult: Encodable, Sendable {
  /// Run directory whose record and report were written again; nil for a recipe.
  package var directory: String?
  package var split: String
  /// `best`, `last`, or `as given` for a recipe.
  package var checkpoint: String
  package var step: Int
  /// `test/VRMSE` to its value.
  package var metrics: [String: Double]
  /// The same for the trivial baseline.
  package var baseline: [String: Double]
  /// Accepted differences, in words.
  package var accepted: [String]
  /// The metrics as a table of at most 80 columns.
  package var table: String

  private enum CodingKeys: String, CodingKey {
    case directory, split, checkpoint, step, metrics, baseline, accepted
  }
}

/// Measures a run's checkpoint, or a recipe's model as it stands, on a split.
///
/// The evaluation of that split in a run's record is replaced, and the report written again.
package func evaluate(_ request: EvalRequest) throws -> EvalResult {
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: request.subject, isDirectory: &isFolder) else {
    throw FormatError.fileMissing(path: request.subject)
  }
  return isFolder.boolValue ? try evaluateRun(request) : try evaluateRecipe(request)
}

private func evaluateRecipe(_ request: EvalRequest) throws -> EvalResult {
  if let checkpoint = request.checkpoint {
    throw CommandLineError(
      description: "--checkpoint \(checkpoint): \(request.subject) is a recipe, expected a run "
        + "directory. Leave it out, or name a run")
  }
  let session = try RunSession(
    RunPlan(file: request.subject, overrides: request.overrides.map { Override($0) }))
  let evaluated = try session.evaluated(request.split, checkpoint: "as given", step: 0)
  return EvalResult(evaluated.record, directory: nil, accepted: [])
}

private func evaluateRun(_ request: EvalRequest) throws -> EvalResult {
  guard request.overrides.isEmpty else {
    throw CommandLineError(
      description:
        "--set: \(request.subject) is a run, whose recipe is fixed. Evaluate a recipe, or "
        + "train another run")
  }
  let run = try FinishedRun(request.subject)
  let session = try RunSession(run.plan)
  let accepted = try run.requireSameInputs(session, accepting: request.accepted)
  let checkpoint = try run.restore(session.model, checkpoint: request.checkpoint)
  let evaluated = try session.evaluated(
    request.split, checkpoint: checkpoint.name, step: checkpoint.step)
  let isRecorded = FileManager.default.fileExists(atPath: run.directory.file("record.json"))
  if isRecorded { try run.record(evaluated, accepted: accepted) }
  return EvalResult(
    evaluated.record, directory: isRecorded ? run.directory.path : nil, accepted: accepted)
}

extension RunSession {
  fileprivate func evaluated(
    _ split: String?, checkpoint: String, step: Int
  ) throws -> EvaluatedSplit {
    let split = split ?? recipe.evaluation.split
    guard let evaluated = try evaluate(part: split, checkpoint: checkpoint, step: step) else {
      throw RunError.settingInvalid(
        field: "eval.split", found: "\(split), of which the data have nothing",
        expected: "one of "
          + SplitPart.allCases.filter(data.hasPart).map(\.rawValue).joined(separator: ", "))
    }
    return evaluated
  }
}

extension FinishedRun {
  /// Refuses inputs that are not those of the run, unless they are accepted.
  fileprivate func requireSameInputs(
    _ session: RunSession, accepting names: [String]
  ) throws -> [String] {
    guard session.digest != status.digest else { return [] }
    let changed = try changedFiles(session)
    guard names.contains("inputs") else {
      throw RunError.inputsChanged(path: directory.path, files: changed)
    }
    var accepted = ["inputs: changed since training: \(changed.joined(separator: ", "))"]
    let present = try Contract(session.data)
    for name in contract.inputs.keys.sorted() {
      switch (contract.input(name), present.input(name)) {
      case (.state(let expected), .state(let found)):
        accepted += try expected.check(found, input: name, accepting: names)
      case (.image(let expected), .image(let found)):
        accepted += try Contract.check(
          expected.mismatches(with: found), input: name, accepting: names)
      default: continue
      }
    }
    return accepted
  }

  /// Names of data files and weights that are not what the run recorded.
  private func changedFiles(_ session: RunSession) throws -> [String] {
    let before = try directory.read(RunRecord.Data.self, from: "data.json").files
    let now = try session.data.record().files
    func manifest(_ files: [RunRecord.Data.File]) -> Manifest {
      Manifest(files.map { .init(name: $0.path, bytes: $0.bytes, sha256: $0.digest) })
    }
    let changed = manifest(now).changes(since: manifest(before))
    if !changed.isEmpty { return changed }
    return [session.model.weights?.path ?? "recipe.resolved.yaml"]
  }

  fileprivate func record(_ evaluated: EvaluatedSplit, accepted: [String]) throws {
    var record = try directory.read(RunRecord.self, from: "record.json")
    let place = record.evaluations.firstIndex { $0.split == evaluated.record.split }
    if let place {
      record.evaluations[place] = evaluated.record
    } else {
      record.evaluations.append(evaluated.record)
    }
    if place ?? record.evaluations.count - 1 == 0 { record.samples = evaluated.samples }
    for note in accepted.map({ "Evaluated although \($0)." }) where !record.notes.contains(note) {
      record.notes.append(note)
    }
    try directory.write(json: record, to: "record.json")
    try writeReport(for: RunDocument(directory: directory.path), to: directory.file("report"))
  }
}

extension EvalResult {
  fileprivate init(_ record: RunRecord.Evaluation, directory: String?, accepted: [String]) {
    func values(_ metrics: [RunRecord.Metric]) -> [String: Double] {
      Dictionary(metrics.map { ("\(record.split)/\($0.name)", $0.value) }) { first, _ in first }
    }
    self.init(
      directory: directory, split: record.split, checkpoint: record.checkpoint, step: record.step,
      metrics: values(record.metrics), baseline: values(record.baseline), accepted: accepted,
      table: resultTable([record]))
  }
}
