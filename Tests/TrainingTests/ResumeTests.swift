import Checkpoints
import Foundation
import Layers
import Recipes
import Tensors
import TestSupport
import Testing
import Training

@Suite("A saved training state")
struct ResumeTests {
  private let folder: TemporaryDirectory
  private let checkpoints: CheckpointFolder

  init() throws {
    folder = try TemporaryDirectory()
    checkpoints = CheckpointFolder(path: folder.path("checkpoints"))
  }

  /// Trains to step 10, saved at every fifth step; the validation value never improves.
  private func run(
    _ regression: Regression, resuming: LoadedState? = nil, stopAt: Int? = nil
  ) throws -> Trainer {
    var trainer = try regression.trainer(
      steps: 10, threads: 2, schedule: .plateau(factor: 0.5, patience: 1), resuming: resuming
    ) {
      $0.saveEvery = 5
      $0.evaluateEvery = 1
      $0.gradientNormLimit = 0.5
    }
    try resuming?.restore(regression.parameters)
    let checkpoints = checkpoints
    var step = resuming?.state.step ?? 0
    var observers = Trainer.Observers()
    observers.stepped = { step = $0.step }
    observers.shouldStop = { step == stopAt }
    observers.save = { trainer, isBest in
      try checkpoints.save(
        trainer, parameters: regression.parameters, digest: "d", isBest: isBest, keep: 3)
    }
    _ = try trainer.run(
      batches: { Regression.batch($0) }, evaluate: { _ in ["val/loss": 1] }, observers: observers)
    return trainer
  }

  @Test("goes on bit for bit: moments, steps, rate, dropout")
  func continues() throws {
    let undisturbed = Regression(dropout: 0.3)
    let finished = try run(undisturbed)
    try FileManager.default.removeItem(atPath: checkpoints.path)

    _ = try run(Regression(dropout: 0.3), stopAt: 5)
    let newest = try #require(checkpoints.newest)
    let loaded = try LoadedState(newest, digest: "d")
    #expect(loaded.state.step == 5)
    let later = Regression(dropout: 0.3)
    let resumed = try run(later, resuming: loaded)
    #expect(later.bits == undisturbed.bits)
    #expect(resumed.state.plateau == finished.state.plateau)
    #expect(resumed.state.plateau.factor < 0.1)
    #expect(resumed.state.bestStep == 1)
  }

  @Test("is refused for another run, another model, and a damaged file")
  func refusals() throws {
    _ = try run(Regression())
    let newest = try #require(checkpoints.newest)
    let foreign = #expect(throws: TrainingError.self) {
      _ = try LoadedState(newest, digest: "another")
    }
    #expect(try #require(foreign).description.contains("belongs to the run with digest d"))
    let state = try LoadedState(newest, digest: "d")
    let narrow = Parameter(path: "first.weight", shape: [8, 5], initialization: .zeros)
    let misshapen = #expect(throws: TrainingError.self) { try state.restore([narrow]) }
    #expect(try #require(misshapen).description.contains("shape [8, 6], expected [8, 5]"))
    let unknown = Parameter(path: "third.weight", shape: [8], initialization: .zeros)
    #expect(throws: CheckpointError.self) { try state.restore([unknown]) }
    try Data("{}".utf8).write(to: URL(filePath: newest + "/state.json"))
    let damaged = #expect(throws: TrainingError.self) { _ = try LoadedState(newest, digest: "d") }
    #expect(try #require(damaged).description.contains("not a training state"))
  }

  @Test("is kept for best, last and the newest ones alone")
  func keeps() throws {
    _ = try run(Regression())
    #expect(checkpoints.steps == [1, 5, 10])
    #expect(checkpoints.linked("best")?.hasSuffix("step_00000001") == true)
    #expect(checkpoints.linked("last")?.hasSuffix("step_00000010") == true)
  }
}
