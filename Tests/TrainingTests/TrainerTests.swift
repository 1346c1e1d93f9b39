import Checkpoints
import Foundation
import Layers
import Recipes
import Tensors
import TestSupport
import Testing
import Training

@Suite("The training loop")
struct TrainerTests {
  @Test("lowers the loss")
  func learns() throws {
    let regression = Regression()
    var trainer = try regression.trainer(steps: 200)
    var losses: [Double] = []
    var observers = Trainer.Observers()
    observers.stepped = { losses.append($0.loss) }
    let outcome = try trainer.run(
      batches: { _ in Regression.batch(0) }, evaluate: { _ in [:] }, observers: observers)
    #expect(outcome == .finished)
    #expect(losses.count == 200 && losses[199] < 0.1 * losses[0])
  }

  @Test("clips by the norm over all gradients")
  func clipping() throws {
    func change(limit: Double?) throws -> Double {
      let regression = Regression()
      let before = regression.parameters.map { $0.value.copied() }
      let after = try regression.trained(
        steps: 1, optimizer: PlainDescent(learningRate: 1),
        adjusting: { $0.gradientNormLimit = limit })
      return zip(after, before).reduce(0) { $0 + ($1.0 - $1.1).sumOfSquares() }.squareRoot()
    }
    let norm = try change(limit: nil)
    #expect(norm > 0.1)
    #expect(abs(try change(limit: 0.05) - 0.05) < 1e-6)
    #expect(abs(try change(limit: 2 * norm) - norm) < 1e-6)
  }

  @Test("a few samples at a time give the same values", arguments: [1, 3, 8])
  func passes(samples: Int) throws {
    func values(_ samples: Int?, threads: Int) throws -> [Tensor] {
      try Regression(dropout: 0.2).trained(
        steps: 4, threads: threads, optimizer: PlainDescent(learningRate: 0.1),
        adjusting: { $0.samplesPerPass = samples })
    }
    let whole = try values(nil, threads: 1)
    for threads in [1, 2] {
      for (a, b) in zip(try values(samples, threads: threads), whole) {
        #expect(a.largestDifference(from: b) <= 1e-6)
      }
    }
  }

  @Test("two accumulated batches are one of twice the size")
  func accumulation() throws {
    let split = try Regression().trained(
      steps: 4, optimizer: PlainDescent(learningRate: 0.1),
      batches: { step in
        let whole = Regression.batch(step / 2)
        let range = step % 2 == 0 ? 0..<4 : 4..<8
        return Batch(
          identifiers: Array(whole.identifiers[range]),
          fields: whole.fields.mapValues { $0.sliced(axis: 0, range) })
      }, adjusting: { $0.accumulationSteps = 2 })
    let whole = try Regression().trained(steps: 4, optimizer: PlainDescent(learningRate: 0.1))
    for (a, b) in zip(split, whole) { #expect(a.largestDifference(from: b) <= 1e-6) }
  }

  @Test("agrees over numbers of threads, and equal numbers agree bit for bit", arguments: [2, 3])
  func threads(count: Int) throws {
    func values(_ threads: Int) throws -> [Tensor] {
      try Regression(dropout: 0.2).trained(
        steps: 4, threads: threads, optimizer: PlainDescent(learningRate: 0.1))
    }
    let (one, many, again) = (try values(1), try values(count), try values(count))
    for (a, b) in zip(one, many) {
      #expect(a.largestDifference(from: b) <= 1e-5 * a.largestMagnitude)
    }
    #expect(many.map(\.bits) == again.map(\.bits))
  }

  @Test("stops at a loss that is not finite and names step and samples")
  func notFinite() throws {
    let regression = Regression()
    let error = #expect(throws: TrainingError.self) {
      _ = try regression.trained(steps: 5, batches: { broken($0, at: 2) })
    }
    guard case .lossNotFinite(let step, let value, let samples) = try #require(error) else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(step == 3 && value.isNaN && samples == (16..<24).map { "sample \($0)" })
    #expect(try #require(error).description.contains("step 3: the loss is nan"))
  }

  @Test("leaves out as many such steps as allowed")
  func skips() throws {
    let regression = Regression()
    var trainer = try regression.trainer(steps: 5) { $0.skippableSteps = 1 }
    let before = regression.bits
    var seen: [[[UInt32]]] = []
    var observers = Trainer.Observers()
    observers.stepped = { _ in seen.append(regression.bits) }
    _ = try trainer.run(
      batches: { broken($0, at: 2) }, evaluate: { _ in [:] }, observers: observers)
    #expect(trainer.state.skippedSteps == 1 && trainer.state.step == 5)
    #expect(seen[0] != before && seen[2] == seen[1] && seen[3] != seen[2])
  }

  private func broken(_ number: Int, at wrong: Int) -> Batch {
    let batch = Regression.batch(number)
    guard number == wrong else { return batch }
    var fields = batch.fields
    fields["y"] = Tensor(filledWith: .nan, shape: [batch.count, 3])
    return Batch(identifiers: batch.identifiers, fields: fields)
  }

  @Test("names a gradient that is not finite though the loss is")
  func gradientNotFinite() throws {
    let regression = Regression()
    var batch = Regression.batch(0)
    var fields = batch.fields
    fields["x"] = Tensor(filledWith: 3e38, shape: [8, 6])
    fields["y"] = Tensor(filledWith: 1000, shape: [8, 3])
    batch = Batch(identifiers: batch.identifiers, fields: fields)
    for parameter in regression.parameters where parameter.path == "first.weight" {
      parameter.value = Tensor(zeros: parameter.shape)
    }
    let wrong = batch
    #expect(throws: TrainingError.gradientNotFinite(step: 1, parameter: "first.weight")) {
      _ = try regression.trained(steps: 1, batches: { _ in wrong })
    }
  }

  @Test("ends early after as many evaluations without gain as allowed, best one saved")
  func earlyStopping() throws {
    let values = [3.0, 2.0, 2.5, 1.99, 2.2, 2.1, 0.1]
    var saves: [(step: Int, isBest: Bool)] = []
    var trainer = try Regression().trainer(steps: 100) {
      $0.earlyStopping = (patience: 3, minimumDelta: 0.05)
      $0.evaluateEvery = 2
      $0.saveEvery = 5
    }
    var observers = Trainer.Observers()
    observers.save = { saves.append(($0.state.step, $1)) }
    let outcome = try trainer.run(
      batches: { Regression.batch($0) }, evaluate: { ["val/loss": values[$0 / 2 - 1]] },
      observers: observers)
    #expect(outcome == .finished)
    #expect(trainer.state.isExhausted && trainer.state.step == 10)
    #expect(trainer.state.bestStep == 4 && trainer.state.bestValue == 2)
    #expect(saves.filter(\.isBest).map(\.step) == [2, 4])
    #expect(saves.filter { !$0.isBest }.map(\.step) == [5, 10])
  }

  @Test("stops when asked, with a checkpoint")
  func stops() throws {
    var trainer = try Regression().trainer(steps: 100)
    var steps = 0
    var saved: [Int] = []
    var observers = Trainer.Observers()
    observers.stepped = { steps = $0.step }
    observers.shouldStop = { steps == 7 }
    observers.save = { trainer, _ in saved.append(trainer.state.step) }
    let outcome = try trainer.run(
      batches: { Regression.batch($0) }, evaluate: { _ in [:] }, observers: observers)
    #expect(outcome == .stopped)
    #expect(saved == [7])
  }

  @Test("refuses a rate for parameters that are not there, and a run with nothing to train")
  func refusals() throws {
    let regression = Regression()
    let groups = [
      TrainingPlan.RateGroup(
        patterns: [try Pattern("third")], learningRate: 1, weightDecay: nil)
    ]
    #expect(throws: TrainingError.groupMatchesNothing(pattern: "third")) {
      _ = try regression.trainer(steps: 1) { $0.rateGroups = groups }
    }
    #expect(throws: TrainingError.nothingToTrain) {
      _ = try Trainer(
        TrainingPlan(
          seed: 0, threads: 1, totalSteps: 1, stepsPerEpoch: 1,
          monitor: .init(name: "train/loss", lowerIsBetter: true)),
        schedule: Schedule(shape: .constant, totalSteps: 1), optimizer: AdamW(learningRate: 1),
        trainable: [], loss: regression.loss)
    }
  }

  @Test("gives groups rates of their own, the first match winning")
  func rateGroups() throws {
    let regression = Regression()
    let before = regression.bits
    let groups = [
      TrainingPlan.RateGroup(
        patterns: [try Pattern("second.bias")], learningRate: 0.1, weightDecay: 0),
      TrainingPlan.RateGroup(patterns: [try Pattern("second")], learningRate: 0, weightDecay: 0),
    ]
    _ = try regression.trained(steps: 1, adjusting: { $0.rateGroups = groups })
    let changed = zip(regression.bits, before).map { $0 != $1 }
    #expect(
      regression.parameters.map(\.path) == [
        "first.weight", "first.bias", "second.weight", "second.bias",
      ])
    #expect(changed == [true, true, false, true])
  }

  @Test("counts the values that a gradient has reached")
  func reached() throws {
    let regression = Regression()
    var trainer = try regression.trainer(steps: 3)
    _ = try trainer.run(
      batches: { number in
        let batch = Regression.batch(number)
        var fields = batch.fields
        fields["x"] = fields["x"]?.sliced(axis: 1, 0..<5).padded(axis: 1, before: 0, after: 1)
        return Batch(identifiers: batch.identifiers, fields: fields)
      }, evaluate: { _ in [:] }, observers: Trainer.Observers())
    let total = regression.parameters.reduce(0) { $0 + $1.elementCount }
    #expect(trainer.reachedCount == total - 8)
  }
}
