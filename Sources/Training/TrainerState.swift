package import Checkpoints
import Foundation
package import Layers
import Tensors

/// What the loop remembers between steps, besides parameters: all that a resume needs.
package struct TrainerState: Sendable, Equatable, Codable {
  /// Optimizer steps done.
  package var step = 0
  package var skippedSteps = 0
  /// Monitored value of the best evaluation, negated where larger is better.
  package var bestValue: Double?
  package var bestStep: Int?
  package var evaluationsWithoutGain = 0
  /// Early stopping has ended the run.
  package var isExhausted = false
  /// Loss of the last step.
  package var recentLoss = 0.0
  /// Seconds spent in steps so far, over all resumes.
  package var trainSeconds = 0.0
  package var plateau = Schedule.Plateau()
  /// Steps of each parameter's optimizer state.
  package var optimizerCounts: [String: Int] = [:]

  package init(step: Int = 0) { self.step = step }
}

extension CheckpointFolder {
  /// Saves parameters, optimizer and loop.
  package func save(
    _ trainer: Trainer, parameters: [Parameter], digest: String, isBest: Bool, keep: Int
  ) throws {
    var state = trainer.state
    let optimizer = trainer.optimizerState
    state.optimizerCounts = optimizer.counts
    try save(
      state, optimizer: optimizer, parameters: parameters, digest: digest, isBest: isBest,
      keep: keep)
  }

  /// Saves parameters and the state of a loop, whose optimizer may have begun anew.
  package func save(
    _ state: TrainerState, optimizer: OptimizerState = OptimizerState(tensors: [], counts: [:]),
    parameters: [Parameter],
    digest: String, isBest: Bool, keep: Int
  ) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
    try save(
      step: state.step,
      tensors: parameters.map { ("parameter." + $0.path, $0.value) }
        + optimizer.tensors.map { ("optimizer." + $0.name, $0.value) },
      info: encoder.encode(SavedState(digest: digest, state: state)), isBest: isBest, keep: keep)
  }
}

/// `state.json`.
private struct SavedState: Codable {
  var digest: String
  var state: TrainerState
}

/// A training state read from disk.
package struct LoadedState: Sendable {
  package let state: TrainerState
  package let optimizer: OptimizerState
  private let tensors: SafetensorsFile
  /// Where it was read.
  package let folder: String

  /// Reads a state; that of a run with another digest is refused.
  package init(_ folder: String, digest: String?) throws {
    let (tensors, info) = try CheckpointFolder.load(folder)
    let saved: SavedState
    do {
      saved = try JSONDecoder().decode(SavedState.self, from: info)
    } catch {
      throw TrainingError.checkpointMismatch(
        path: folder + "/state.json", reason: "not a training state: \(error)")
    }
    if let digest, saved.digest != digest {
      throw TrainingError.checkpointMismatch(
        path: folder,
        reason: "belongs to the run with digest \(saved.digest.prefix(16)), this one is "
          + "\(digest.prefix(16)): recipe or input files differ. Set train.resume: never to start "
          + "again")
    }
    self.tensors = tensors
    self.folder = folder
    state = saved.state
    let prefix = "optimizer."
    optimizer = OptimizerState(
      tensors: try tensors.names.filter { $0.hasPrefix(prefix) }.map {
        (String($0.dropFirst(prefix.count)), try tensors.tensor($0))
      }, counts: saved.state.optimizerCounts)
  }

  /// Gives the parameters their saved values.
  package func restore(_ parameters: [Parameter]) throws {
    for parameter in parameters {
      let value = try tensors.tensor("parameter." + parameter.path)
      guard value.shape == parameter.shape else {
        throw TrainingError.checkpointMismatch(
          path: folder,
          reason: "\(parameter.path) has shape \(value.shape), expected \(parameter.shape)")
      }
      parameter.value = value.copied()
    }
  }
}
