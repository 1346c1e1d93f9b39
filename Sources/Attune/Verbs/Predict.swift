import Datasets
import Foundation
import Formats
import Tasks

/// What `predict` is asked for.
package struct PredictRequest: Sendable {
  /// A run directory.
  package var run: String
  /// Data files.
  package var inputs: [String]
  /// Folder of the predictions.
  package var output: String
  /// Differences between an input and the run's contract that may pass, by name.
  package var accepted: [String] = []
  /// Predicted frames; nil takes `eval.rollout_steps`.
  package var steps: Int?
  /// Which of the run's data sets the inputs are like, where it has several.
  package var source: String?
  /// Whether shares of cells outside the training range are written.
  package var marksOutliers = false
  /// Whether existing predictions are replaced.
  package var replaces = false

  package init(run: String, inputs: [String], output: String) {
    self.run = run
    self.inputs = inputs
    self.output = output
  }
}

/// One written prediction.
package struct Prediction: Codable, Sendable {
  package var input: String
  package var output: String
  /// Further files beside it: pictures, areas, shares of outliers.
  package var files: [String] = []
  /// Trajectories and predicted frames of each; nil but for fields.
  package var trajectories: Int?
  package var steps: Int?
  /// Accepted differences, in words.
  package var accepted: [String]
  /// Largest share of a frame's cells outside the training range, for images the mean share of bands
  /// over the pixels; nil where not asked for.
  package var largestOutlierShare: Double?

  private enum CodingKeys: String, CodingKey {
    case input, output, files, trajectories, steps, accepted
    case largestOutlierShare = "largest_ood_share"
  }
}

/// Predicts from files with a run's model.
///
/// All inputs are checked against the run's contract before the first file is written.
package func predict(_ request: PredictRequest) throws -> [Prediction] {
  let run = try FinishedRun(request.run)
  guard let task = run.plan.task as? any SampleTask.Type else {
    let rollout = try Rollout(request, run: run)
    let inputs = try request.inputs.map { try rollout.open($0) }
    let outputs = try request.outputs(of: request.inputs) { "\($0)_prediction.hdf5" }
    try makeFolder(request.output)
    return try zip(inputs, outputs).map { try rollout.write($0, to: $1) }
  }
  let predictor = try SamplePrediction(request, run: run, task: task)
  let inputs = try request.inputs.map { try predictor.open($0) }
  let isByPatch = inputs.contains { $0.scene.patchSide != nil }
  if task.output == .vector, !isByPatch {
    let path = try request.outputs(of: ["predictions"]) { "\($0).csv" }[0]
    try makeFolder(request.output)
    return try TablePrediction(predictor: predictor).write(inputs, to: path)
  }
  _ = try request.outputs(of: inputs.map(\.scene.path)) { "\($0)_prediction.tif" }
  try makeFolder(request.output)
  return try inputs.map { input in
    try isByPatch
      ? PatchPrediction(predictor: predictor).write(input, to: request.output)
      : MapPrediction(predictor: predictor).write(input, to: request.output)
  }
}

private func makeFolder(_ path: String) throws {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw FormatError.cannotCreate(path: path, reason: error.localizedDescription)
  }
}

extension PredictRequest {
  /// Paths named after files, none of which may be there unless it may be replaced.
  fileprivate func outputs(of files: [String], named: (String) -> String) throws -> [String] {
    var outputs: [String] = []
    for file in files {
      let name = URL(filePath: file).deletingPathExtension().lastPathComponent
      let path = "\(output)/\(named(name))"
      guard !outputs.contains(path) else {
        throw CommandLineError(
          description:
            "\(file): another input is called \(name) too, and predictions are named after "
            + "inputs. Run predict once for each")
      }
      if !replaces, FileManager.default.fileExists(atPath: path) {
        throw FormatError.outputExists(path: path, replacing: "Pass --force to replace it")
      }
      outputs.append(path)
    }
    return outputs
  }
}
