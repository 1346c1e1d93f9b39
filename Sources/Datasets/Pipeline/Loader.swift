import Synchronization
package import Tensors

/// Serves batches whose content is a function of (seed, step) alone, so that a resumed run needs
/// nothing but its step.
///
/// One source: epochs follow each other, each in an order of its own, the last batch of an epoch
/// being as small as what is left. Several sources: each batch holds one source, drawn by weight;
/// every source goes through epochs of its own. Under `balanced` an epoch has as many samples as the
/// source, drawn evenly from its groups: some of a small group come again, some of a large one wait.
package final class Loader: Sendable {
  /// Samples and how often they are drawn.
  package struct Source: Sendable {
    package let name: String
    package let samples: any SampleSet
    package let weight: Double
    /// Samples of each group that balanced sampling draws from evenly, by number; one group of all
    /// where samples have none.
    let groups: [[Int]]

    package init(name: String, samples: any SampleSet, weight: Double = 1) {
      self.init(
        name: name, samples: samples, weight: weight,
        groups: GroupedDraw.members(samples.groups ?? [Int](repeating: 0, count: samples.count)))
    }

    init(name: String, samples: any SampleSet, weight: Double, groups: [[Int]]) {
      self.name = name
      self.samples = samples
      self.weight = weight
      self.groups = groups
    }
  }

  /// Order of the samples of an epoch.
  package enum Order: Sendable { case shuffled, balanced, sequential }

  /// What a batch consists of.
  package struct Plan: Sendable, Equatable {
    package let step: Int
    /// Number of the source.
    package let source: Int
    /// Epoch of the source.
    package let epoch: Int
    /// Samples of the source, in the order of the batch.
    package let indices: [Int]
    package let identifiers: [String]
  }

  package let sources: [Source]
  package let batchSize: Int
  private let seed: UInt64
  private let order: Order
  private let progress: Mutex<Progress>

  /// What was found for the last asked step; only a cache.
  private struct Progress {
    /// The next step whose source is not drawn yet.
    var step = 0
    /// Batches of each source before `step`.
    var served: [Int]
    /// Epoch and order of each source.
    var epochs: [(number: Int, order: [Int])?]
  }

  package init(
    _ sources: [Source], batchSize: Int, seed: UInt64, order: Order = .shuffled
  ) {
    precondition(
      batchSize > 0 && !sources.isEmpty && sources.allSatisfy { $0.weight > 0 },
      "batches of \(batchSize) from \(sources.count) sources")
    for source in sources {
      precondition(source.samples.count > 0, "source \(source.name) has no samples")
    }
    self.sources = sources
    self.batchSize = batchSize
    self.seed = seed
    self.order = order
    progress = Mutex(
      Progress(
        served: sources.map { _ in 0 }, epochs: sources.map { _ in nil }))
  }

  /// Batches in which each sample of all sources is seen once.
  package var batchesPerEpoch: Int { sources.indices.reduce(0) { $0 + batchCount(of: $1) } }

  /// What the batch of `step` (from 0) consists of.
  package func plan(_ step: Int) -> Plan {
    progress.withLock { progress in
      let (source, served) = place(of: step, &progress)
      let epoch = served / batchCount(of: source)
      let start = served % batchCount(of: source) * batchSize
      let samples = sources[source].samples
      let indices = self.order(of: source, epoch: epoch, &progress)[
        start..<min(start + batchSize, samples.count)]
      return Plan(
        step: step, source: source, epoch: epoch, indices: Array(indices),
        identifiers: indices.map(samples.identifier))
    }
  }

  /// The samples of a plan, or some of them, each tensor stacked along a new first axis.
  package func load(_ plan: Plan, _ part: Range<Int>? = nil) throws -> [String: Tensor] {
    let samples = sources[plan.source].samples
    let part = part ?? plan.indices.indices
    return try stacked(
      part.count, identifier: { plan.identifiers[part.lowerBound + $0] },
      sample: { try samples.sample(plan.indices[part.lowerBound + $0], epoch: plan.epoch) })
  }

  /// The same samples in the same order, in batches of another size.
  package func withBatches(of size: Int) -> Loader {
    size == batchSize ? self : Loader(sources, batchSize: size, seed: seed, order: order)
  }

  /// The same order over other samples in the place of each source's, as many and called the same.
  package func mapSamples(
    _ transform: (_ source: Int, any SampleSet) throws -> any SampleSet
  ) rethrows -> Loader {
    Loader(
      try sources.enumerated().map { number, source in
        let samples = try transform(number, source.samples)
        precondition(samples.count == source.samples.count, "\(source.name): other samples")
        return Source(
          name: source.name, samples: samples, weight: source.weight, groups: source.groups)
      }, batchSize: batchSize, seed: seed, order: order)
  }

  /// The same way through other samples alone, with random numbers of its own.
  package func part(_ samples: any SampleSet, name: String, seed: UInt64) -> Loader {
    Loader(
      [Source(name: name, samples: samples)], batchSize: batchSize, seed: seed, order: order)
  }

  private func batchCount(of source: Int) -> Int {
    (sources[source].samples.count + batchSize - 1) / batchSize
  }

  /// The source of `step`, and how many batches of it came before.
  private func place(of step: Int, _ progress: inout Progress) -> (source: Int, served: Int) {
    guard sources.count > 1 else { return (0, step) }
    if step < progress.step {
      progress.step = 0
      progress.served = sources.map { _ in 0 }
    }
    while progress.step < step {
      progress.served[drawnSource(at: progress.step)] += 1
      progress.step += 1
    }
    let source = drawnSource(at: step)
    return (source, progress.served[source])
  }

  private func drawnSource(at step: Int) -> Int {
    var random = Philox(seed: seed, purpose: .source, step: step, index: 0)
    var rest = random.uniform() * sources.reduce(0) { $0 + $1.weight }
    for (number, source) in sources.enumerated() {
      rest -= source.weight
      if rest < 0 { return number }
    }
    return sources.count - 1
  }

  private func order(of source: Int, epoch: Int, _ progress: inout Progress) -> [Int] {
    let count = sources[source].samples.count
    guard order != .sequential else { return Array(0..<count) }
    if let known = progress.epochs[source], known.number == epoch { return known.order }
    var random = Philox(seed: seed, purpose: .shuffle, step: epoch, index: source)
    let order =
      order == .balanced
      ? GroupedDraw.order(of: sources[source].groups, count: count, &random)
      : random.permutation(count)
    progress.epochs[source] = (epoch, order)
    return order
  }
}
