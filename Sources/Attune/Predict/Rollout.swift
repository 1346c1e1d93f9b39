import Adapters
import Datasets
import Foundation
import Formats
import Layers
import Recipes
import Tasks
import Tensors

/// An input that fits the run's contract, or whose differences were accepted.
struct CheckedInput {
  let file: TrajectoryFile
  let accepted: [String]
}

/// A run's model with what its inputs must be.
struct Rollout {
  private let run: FinishedRun
  private let model: AssembledModel
  private let options: PDEDataOptions
  private let contract: StateContract
  private let request: PredictRequest
  private let predictor: PDEPredictor
  private let threads: Int

  init(_ request: PredictRequest, run: FinishedRun) throws {
    self.run = run
    self.request = request
    let steps = request.steps ?? run.plan.recipe.evaluation.rolloutSteps
    guard steps > 0 else {
      throw CommandLineError(
        description: "--steps \(steps): expected a number of frames, 1 or more")
    }
    let source = try run.source(named: request.source)
    guard let options = source.set as? PDEDataOptions else {
      throw RunError.notOffered(
        field: "predict", value: "task \(run.plan.recipe.task)",
        instead: "It is offered for all tasks but pretrain-mae")
    }
    self.options = options
    let isOnly = run.plan.data.sources.count == 1
    let name = isOnly ? PDEData.inputName : source.name
    guard let contract = run.contract.state(name) else {
      throw RunError.notARun(path: request.run, reason: "contract.json has no input '\(name)'")
    }
    self.contract = contract
    guard contract.normalization != .perTrajectory else {
      throw RunError.notOffered(
        field: "data.inputs.state.normalize", value: "per-trajectory for predictions",
        instead: "It takes the mean and deviation of whole trajectories, future frames included, "
          + "which first frames do not give. Train with zscore or per-window")
    }
    predictor = PDEPredictor(inputFrames: contract.inputFrames, rolloutSteps: steps)
    threads = run.plan.recipe.distributed.threads ?? ProcessInfo.processInfo.activeProcessorCount
    model = try run.plan.model.assemble()
    _ = try run.restore(model, checkpoint: nil)
    for parameter in model.adapted.trainable { parameter.isTrainable = false }
  }

  /// Opens an input and compares it with the contract.
  func open(_ path: String) throws -> CheckedInput {
    func open(selecting fields: [FieldRequest]?) throws -> TrajectoryFile {
      try TrajectoryFile(
        path: path, label: URL(filePath: path).lastPathComponent, format: options.format,
        variable: options.variable, selecting: fields, thinning: options.thinning)
    }
    let file: TrajectoryFile
    do {
      file = try open(selecting: options.fields)
    } catch DataError.fieldMissing {
      let other = try open(selecting: nil)
      throw RunError.contract(
        input: path,
        differences: [
          .init(
            name: "fields", expected: "\(contract.fields)", found: "\(other.fields.map(\.name))")
        ])
    }
    guard file.frameCount >= contract.inputFrames else {
      throw RunError.dataTooShort(
        what:
          "\(path): trajectories of \(file.frameCount) frames, expected \(contract.inputFrames) "
          + "at least, from which the model predicts. Give longer ones")
    }
    let set = try TrajectorySet([file])
    let statistics = try FieldStatistics.of(Array(0..<set.count), in: set) { try set.read($0) }
    var found = contract
    found.fields = file.fields.map(\.name)
    found.components = file.fields.map(\.components)
    found.frameShape = file.frameShape
    found.interval = file.interval
    found.spacing = file.spacing
    found.quantileShares = FieldStatistics.shares
    found.quantiles = statistics.map(\.quantiles)
    let accepted = try contract.check(found, input: path, accepting: request.accepted)
    guard file.fields.count == contract.fields.count else {
      throw RunError.contract(
        input: path,
        differences: [
          .init(name: "fields", expected: "\(contract.fields)", found: "\(found.fields)")
        ])
    }
    try model.network.check(["state": [1, contract.inputFrames] + file.frameShape])
    return CheckedInput(file: file, accepted: accepted)
  }

  /// Predicts every trajectory of a file, a few at a time.
  func write(_ input: CheckedInput, to path: String) throws -> Prediction {
    let file = input.file
    let ranges =
      request.marksOutliers ? contract.quantiles.map { ($0.first ?? 0)...($0.last ?? 0) } : nil
    let output = try PredictionFile(
      path, like: file, firstFrame: contract.inputFrames, steps: predictor.rolloutSteps,
      ranges: ranges)
    for start in stride(from: 0, to: file.trajectoryCount, by: threads) {
      let count = min(threads, file.trajectoryCount - start)
      let results = try concurrentResults(count, threads: threads) { lane in
        let window = try file.read(start + lane, frames: 0..<contract.inputFrames)
        return (window, prediction(from: window, identifier: file.identifier(start + lane)))
      }
      for (lane, result) in results.enumerated() {
        try output.append(result.1, from: result.0, trajectory: start + lane)
      }
    }
    try output.finish(attributes: attributes(input))
    return Prediction(
      input: file.path, output: path, trajectories: file.trajectoryCount,
      steps: predictor.rolloutSteps, accepted: input.accepted,
      largestOutlierShare: output.largestOutlierShare)
  }

  /// Frames `[steps, F, C, D, H, W]` in physical units.
  private func prediction(from window: Tensor, identifier: String) -> Trajectory {
    let scaling =
      switch contract.normalization {
      case .zscore:
        FieldScaling(
          means: contract.means.map { Float($0) },
          deviations: contract.standardDeviations.map { Float($0) })
      case .perWindow: FieldScaling(sample: window.fieldMoments())
      case .none, .perTrajectory: FieldScaling.identity(fieldCount: contract.fields.count)
      }
    let normalized = NormalizedTrajectory(
      identifier: identifier, values: scaling.normalized(window),
      means: scaling.means.map(Double.init), deviations: scaling.deviations.map(Double.init))
    let frames = predictor.rolledOut(normalized.values) { model.prediction($0, .evaluation) }
    return normalized.physical(frames)
  }

  private func attributes(_ input: CheckedInput) -> [(name: String, value: HDF5Attribute)] {
    var attributes: [(String, HDF5Attribute)] = [
      ("attune_program", .texts(["attune \(programVersion)"])),
      ("attune_run", .texts(["\(run.plan.recipe.name) \(run.status.digest)"])),
      ("attune_input", .texts([URL(filePath: input.file.path).lastPathComponent])),
      ("attune_input_frames", .numbers([Double(contract.inputFrames)])),
      ("attune_steps", .numbers([Double(predictor.rolloutSteps)])),
    ]
    if !input.accepted.isEmpty { attributes.append(("attune_accepted", .texts(input.accepted))) }
    return attributes
  }
}
