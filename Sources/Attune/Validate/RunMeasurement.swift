import Checkpoints
import Datasets
import Foundation
import Launch
import Recipes
import Tensors
import Training

/// A few steps and evaluations of a run, in memory alone.
struct RunMeasurement {
  let time: TimeEstimate
  let peakTensorBytes: Int
  let peakResidentBytes: Int

  /// Most steps, and what they may take together unless the first already does.
  private static let (mostSteps, longest) = (12, 4.0)
  /// An evaluation that would take longer than this is estimated from the steps.
  private static let longestEvaluation = 20.0
  /// A sample forward over a sample in a step, forward and backward.
  private static let forwardShare = 0.4

  /// - Parameters:
  ///   - session: opened data and model.
  ///   - opening: Seconds that this took.
  /// - Throws: what training and evaluation throw.
  init(_ session: RunSession, opening: Double) throws {
    let (step, save) = try Self.seconds(session)
    let perStep = session.recipe.train.accumulationSteps
    let batch = Double(session.plan.data.batchSize)
    let training = step * (try Self.wholeSteps(session))
    let sample = step / (Double(perStep) * batch)
    let validations = try Self.validations(session)
    let evaluation = try Self.evaluationSeconds(session, sample: sample, validations)
    let updates = Self.elapsed { _ = weightUpdates(of: session.model.adapted) }
    let rounds = session.plan.federated?.rounds
    let saves = try rounds ?? session.totalSteps / session.trainingPlan().saveEvery + 1
    // About every second validation is the best so far, and is kept.
    let writing = updates + save * Double(saves + validations / 2)
    time = TimeEstimate(
      opening: opening, step: step, training: training, evaluation: evaluation, writing: writing)
    peakTensorBytes = Allocator.shared.statistics.peakBytesInUse
    peakResidentBytes = Launch.peakResidentBytes()
  }

  private static func elapsed(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return (ContinuousClock.now - start) / .seconds(1)
  }

  /// The median of some steps after the first, which also fills caches; and a checkpoint, written to the
  /// system's folder for temporary files.
  private static func seconds(_ session: RunSession) throws -> (step: Double, save: Double) {
    var seconds: [Double] = []
    var last = ContinuousClock.now
    let start = last
    var observers = Trainer.Observers()
    observers.stepped = { _ in
      seconds.append((ContinuousClock.now - last) / .seconds(1))
      last = .now
    }
    observers.shouldStop = {
      seconds.count >= mostSteps
        || seconds.count >= 2 && (ContinuousClock.now - start) / .seconds(1) > longest
    }
    var trainer = try session.trainer(measuring: mostSteps)
    let features = try session.frozenFeatures()?.open { _ in }
    let batches = session.batchesAhead(features)
    defer { batches.stop() }
    _ = try trainer.run(
      batches: { try batches($0) }, evaluate: { _ in [:] }, observers: observers)
    let measured = seconds.count > 2 ? Array(seconds.dropFirst()) : seconds
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "attune-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let save = try elapsed {
      try CheckpointFolder(path: folder.path).save(
        trainer, parameters: session.model.state, digest: "", isBest: true, keep: 1)
    }
    return (measured.sorted()[measured.count / 2], save)
  }

  /// Steps as if all were of whole batches: the last of an epoch may be small.
  private static func wholeSteps(_ session: RunSession) throws -> Double {
    let samples = session.data.loader.sources.reduce(0) { $0 + $1.samples.count }
    let perStep = Double(session.recipe.train.accumulationSteps * session.data.loader.batchSize)
    let share = min(1, Double(samples) / perStep / Double(session.stepsPerEpoch))
    return Double(try session.allSteps()) * share
  }

  private static func validations(_ session: RunSession) throws -> Int {
    if let federated = session.plan.federated { return federated.rounds }
    let every = try session.trainingPlan().evaluateEvery
    return (session.totalSteps + every - 1) / every
  }

  /// All validations and the final evaluation; measured once each, unless that takes long.
  private static func evaluationSeconds(
    _ session: RunSession, sample: Double, _ validations: Int
  ) throws -> Double {
    func seconds(_ part: SplitPart, _ body: () throws -> Void) throws -> Double {
      let count = session.data.samples(part).reduce(0) { $0 + $1.count }
      let expected = Double(count) * sample * forwardShare
      guard expected < longestEvaluation else { return expected }
      return try elapsed(body)
    }
    let each =
      session.data.hasPart(.val)
      ? try seconds(.val) { _ = try session.validation() } : 0
    let part = try session.part(named: session.recipe.evaluation.split)
    let final = try seconds(part) {
      _ = try session.evaluate(part: part.rawValue, checkpoint: "last", step: 0)
    }
    return each * Double(validations) + final
  }
}
