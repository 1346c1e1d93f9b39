import Datasets
import Foundation
import Tensors
import Testing

/// Samples that hold their own number.
private struct NumberedSamples: SampleSet {
  let name: String
  let count: Int
  var groups: [Int]?

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

  @Test("balanced epochs draw evenly from the groups, and from all of each")
  func balanced() {
    // One sample in 40 is of group 7, a quarter of group 1, the rest of group 0.
    let groups = (0..<40).map { $0 == 11 ? 7 : $0 % 4 == 1 ? 1 : 0 }
    func loader(seed: UInt64) -> Loader {
      Loader(
        [.init(name: "s", samples: NumberedSamples(name: "s", count: 40, groups: groups))],
        batchSize: 8, seed: seed, order: .balanced)
    }
    let one = loader(seed: 1)
    let epochs = (0..<9).map { epoch in (0..<5).flatMap { one.plan(5 * epoch + $0).indices } }
    for epoch in epochs {
      #expect(epoch.count == 40)
      let counts = Dictionary(grouping: epoch) { groups[$0] }.mapValues(\.count)
      #expect(counts.keys.sorted() == [0, 1, 7] && counts.values.allSatisfy { 13...14 ~= $0 })
      // Nothing of a large group comes twice before all of it came once.
      #expect(Set(epoch.filter { groups[$0] == 0 }).count == counts[0])
    }
    #expect(Set(epochs.joined()) == Set(0..<40))
    #expect(epochs[0] != epochs[1])
    #expect(loader(seed: 1).plan(23) == one.plan(23))
    #expect(loader(seed: 2).plan(3) != one.plan(3))
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
