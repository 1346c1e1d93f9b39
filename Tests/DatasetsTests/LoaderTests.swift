import Datasets
import Foundation
import Tensors
import Testing

/// Samples that hold their own number.
private struct NumberedSamples: SampleSet {
  let name: String
  let count: Int

  func identifier(_ index: Int) -> String { "\(name)#\(index)" }
  func sample(_ index: Int, epoch: Int) -> [String: Tensor] {
    ["state": Tensor([Float(index), Float(-index)], shape: [2])]
  }
}

@Suite("Loader")
struct LoaderTests {
  private func loader(
    _ counts: [Int], weights: [Double]? = nil, batchSize: Int = 4, seed: UInt64 = 1
  ) -> Loader {
    Loader(
      counts.enumerated().map { number, count in
        Loader.Source(
          name: "s\(number)", samples: NumberedSamples(name: "s\(number)", count: count),
          weight: weights?[number] ?? 1)
      }, batchSize: batchSize, seed: seed)
  }

  @Test("each epoch holds every sample once, in an order of its own")
  func epochs() {
    let loader = loader([10])
    #expect(loader.batchesPerEpoch == 3)
    let epochs = (0..<2).map { epoch in
      (0..<3).flatMap { loader.plan(3 * epoch + $0).indices }
    }
    #expect(epochs[0].sorted() == Array(0..<10))
    #expect(epochs[1].sorted() == Array(0..<10))
    #expect(epochs[0] != epochs[1])
    #expect(loader.plan(2).indices.count == 2)
  }

  @Test("a batch depends on seed and step, not on what was asked before")
  func resume() {
    let (running, resumed) = (loader([10, 7, 30]), loader([10, 7, 30]))
    let plans = (0..<40).map(running.plan)
    #expect(resumed.plan(31) == plans[31])
    #expect(resumed.plan(3) == plans[3])
    #expect(running.plan(17) == plans[17])
    #expect((0..<40).map(loader([10, 7, 30], seed: 2).plan) != plans)
  }

  @Test("stacks samples in the order of the plan")
  func stacking() throws {
    let loader = loader([10])
    let plan = loader.plan(1)
    let batch = try loader.load(plan)
    #expect(batch["state"]?.shape == [4, 2])
    #expect(
      batch["state"]?.elements(as: Float.self)
        == plan.indices.flatMap { [Float($0), Float(-$0)] })
    #expect(plan.identifiers == plan.indices.map { "s0#\($0)" })
  }

  @Test("draws sources by weight, one per batch, each in epochs of its own")
  func weights() {
    let loader = loader([8, 400], weights: [3, 1])
    let plans = (0..<4000).map(loader.plan)
    let share = Double(plans.count { $0.source == 0 }) / 4000
    // Five standard deviations of a binomial with p = 3/4.
    #expect(abs(share - 0.75) < 5 * 0.00685)
    for plan in plans {
      #expect(plan.identifiers.allSatisfy { $0.hasPrefix("s\(plan.source)#") })
    }
    let first = plans.filter { $0.source == 0 }.prefix(2).flatMap(\.indices)
    #expect(first.sorted() == Array(0..<8))
  }
}
