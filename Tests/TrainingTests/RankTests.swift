import Foundation
import Layers
import Recipes
import Tensors
import TestSupport
import Testing
import Training

/// `GradientExchange`, and the loop over several ranks.
@Suite("Training by several ranks")
struct RankTests {
  /// One rank's part of batch `number`.
  private static func part(_ number: Int, of ranks: any Communicator, count: Int = 8) -> Batch {
    let whole = Regression.batch(number, count: count)
    let range = (ranks.rank * count / ranks.count)..<((ranks.rank + 1) * count / ranks.count)
    var batch = Batch(
      identifiers: Array(whole.identifiers[range]),
      fields: range.isEmpty ? [:] : whole.fields.mapValues { $0.sliced(axis: 0, range) })
    (batch.whole, batch.first) = (whole.identifiers, range.lowerBound)
    return batch
  }

  private static func bits(_ ranks: any Communicator, threads: Int = 1, count: Int = 8) throws
    -> (bits: [[UInt32]], losses: [Double])
  {
    let regression = Regression(dropout: 0.2)
    var losses: [Double] = []
    var observers = Trainer.Observers()
    observers.stepped = { losses.append($0.loss) }
    var trainer = try regression.trainer(steps: 6, threads: threads, ranks: ranks) {
      $0.accumulationSteps = 2
      $0.gradientNormLimit = 0.5
    }
    _ = try trainer.run(
      batches: { part($0, of: ranks, count: count) }, evaluate: { _ in [:] }, observers: observers)
    return (regression.bits, losses)
  }

  @Test(
    "takes the steps of one process, and every rank the same ones bit for bit",
    arguments: [2, 3, 4], [1, 2])
  func equality(count: Int, threads: Int) throws {
    let one = try Self.bits(SingleRank())
    let ranks = try LocalRanks.run(count) { try Self.bits($0, threads: threads) }
    for rank in ranks {
      #expect(rank.bits == ranks[0].bits && rank.losses == ranks[0].losses)
      for (a, b) in zip(rank.losses, one.losses) { #expect(abs(a - b) < 1e-5 * abs(b)) }
      for (a, b) in zip(rank.bits.joined(), one.bits.joined()) {
        let (a, b) = (Float(bitPattern: a), Float(bitPattern: b))
        #expect(abs(a - b) <= 1e-5 * max(1, abs(b)))
      }
    }
  }

  @Test("goes on where a batch has fewer samples than there are ranks")
  func smallBatches() throws {
    let one = try Self.bits(SingleRank(), count: 2)
    let ranks = try LocalRanks.run(4) { try Self.bits($0, count: 2) }
    for rank in ranks {
      #expect(rank.bits == ranks[0].bits)
      for (a, b) in zip(rank.losses, one.losses) { #expect(abs(a - b) < 1e-5 * abs(b)) }
    }
  }

  @Test("stops all ranks where one of them should")
  func stop() throws {
    let steps = try LocalRanks.run(3) { ranks -> (Trainer.Outcome, Int) in
      var trainer = try Regression().trainer(steps: 50, ranks: ranks)
      let step = Counter()
      var observers = Trainer.Observers()
      observers.stepped = { _ in step.value += 1 }
      observers.shouldStop = { ranks.rank == 1 && step.value == 7 }
      let outcome = try trainer.run(
        batches: { Self.part($0, of: ranks) }, evaluate: { _ in [:] }, observers: observers)
      return (outcome, trainer.state.step)
    }
    for (outcome, step) in steps { #expect(outcome == .stopped && step == 7) }
  }

  @Test("spreads the sums of all ranks over their samples")
  func sums() throws {
    let seen = try LocalRanks.run(2) { ranks -> [Float] in
      let found = Counter()
      let regression = Regression()
      var trainer = try regression.trainer(steps: 1, ranks: ranks) { fields in
        found.values = fields["mass"]?.elements(as: Float.self) ?? []
      }
      _ = try trainer.run(
        batches: { number in
          var batch = Self.part(number, of: ranks)
          batch.sums = ["mass": ranks.rank == 0 ? 10 : 6, "none": .nan]
          return batch
        }, evaluate: { _ in [:] }, observers: Trainer.Observers())
      return found.values
    }
    #expect(seen == [[2, 2, 2, 2], [2, 2, 2, 2]])
  }

  private final class Counter {
    var value = 0
    var values: [Float] = []
  }
}

extension Regression {
  /// A trainer whose loss shows its fields.
  fileprivate func trainer(
    steps: Int, ranks: any Communicator, showing show: @escaping ([String: Tensor]) -> Void
  ) throws -> Trainer {
    nonisolated(unsafe) let show = show
    let loss = loss
    return try Regression(parameters: parameters) { fields, context in
      show(fields)
      return loss(fields, context)
    }.trainer(steps: steps, ranks: ranks)
  }
}
