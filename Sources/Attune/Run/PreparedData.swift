import Datasets
import Foundation
import Recipes
import Tensors
import Training

/// The opened data of a run: training batches, samples for evaluation, descriptions.
struct PreparedData: Sendable {
  struct Source: Sendable {
    let name: String
    let weight: Double
    let root: String
    let set: any DataSet
    let manifest: Manifest
    /// The card that gave defaults.
    let card: DataCard.Note?
  }

  let sources: [Source]
  private(set) var loader: Loader
  /// Which part of every batch is read here, and of how many.
  private var share = (rank: 0, count: 1)
  private let seed: UInt64

  /// `digests` and `kept` may know from earlier runs what is to be found of the files.
  init(
    _ plan: DataPlan, seed: Int, digests: FileDigestCache, keeping kept: KeptStatistics? = nil
  ) throws {
    let seed = UInt64(bitPattern: Int64(seed))
    var sources: [Source] = []
    for source in plan.sources {
      let set = try source.set.open(seed: seed, keeping: kept)
      let names = set.filePaths.map { relative($0, to: source.section.root) }
      sources.append(
        Source(
          name: source.name, weight: source.weight, root: source.section.root, set: set,
          manifest: try digests.manifest(
            of: names, root: source.section.root, method: source.section.fileDigests),
          card: source.section.card))
    }
    self.sources = sources
    self.seed = seed
    let sampler = plan.sources[0].section.sampler
    loader = Loader(
      try sources.map { source in
        guard let samples = source.set.samples(.train, augmented: true) else {
          throw RunError.dataTooShort(what: "\(source.root): no training sample")
        }
        if sampler == .balanced { try Self.requireGroups(of: samples, sources.count) }
        return Loader.Source(name: source.name, samples: samples, weight: source.weight)
      },
      batchSize: plan.batchSize, seed: seed, order: Loader.Order(sampler))
  }

  /// One source's part for training: that of a client.
  init(_ source: Source, loader: Loader, seed: UInt64) {
    sources = [source]
    self.loader = loader
    self.seed = seed
  }

  /// Several sources are drawn by their weights, equal ones where the recipe gives none.
  private static func requireGroups(
    of samples: any SampleSet, _ sourceCount: Int
  ) throws(RunError) {
    guard samples.groups == nil, sourceCount == 1 else { return }
    throw .settingInvalid(
      field: "data.sampler", found: "balanced",
      expected: "shuffle or sequential: these samples have no class each, and there is one source. "
        + "For maps of classes see train.loss.class_weights")
  }

  /// The same data where ranks share batches of another size than the recipe's.
  func shared(by ranks: any Communicator, batchSize: Int) -> PreparedData {
    var data = self
    data.loader = loader.withBatches(of: batchSize)
    data.share = (ranks.rank, ranks.count)
    return data
  }

  /// The training batch of a micro step, or this rank's part of it, its samples mixed where the recipe
  /// says so.
  func batch(_ microStep: Int) throws -> Batch {
    let plan = loader.plan(microStep)
    let count = plan.identifiers.count
    let part = (share.rank * count / share.count)..<((share.rank + 1) * count / share.count)
    let set = sources[plan.source].set
    var fields: [String: Tensor]
    if let mixing = set.mixing, let target = set.target {
      // Samples may be mixed with those of other ranks.
      fields = try mixing(
        try loader.load(plan), inputs: set.inputs.map(\.name), classes: target.names.count,
        ignored: target.ignoreIndex, seed: seed, step: microStep)
      if part.count < count { fields = fields.mapValues { $0.sliced(axis: 0, part) } }
      if part.isEmpty { fields = [:] }
    } else {
      fields = try loader.load(plan, part)
    }
    var batch = Batch(identifiers: Array(plan.identifiers[part]), fields: fields)
    (batch.whole, batch.first) = (plan.identifiers, part.lowerBound)
    return batch
  }

  /// The target that all sources share; nil where they have none.
  ///
  /// - Throws: `RunError.settingInvalid` for sources whose targets differ.
  func target() throws(RunError) -> TargetDescription? {
    guard var target = sources[0].set.target else { return nil }
    for source in sources.dropFirst() {
      guard let other = source.set.target, other.kind == target.kind, other.names == target.names,
        other.ignoreIndex == target.ignoreIndex
      else {
        throw .settingInvalid(
          field: "data.sources", found: "'\(source.name)' with \(source.set.target?.names ?? [])",
          expected:
            "the target of '\(sources[0].name)', \(target.names); name data.target.class_names")
      }
      target.counts = zip(target.counts, other.counts).map(+)
    }
    return target
  }

  /// Reads all parts to their end.
  ///
  /// - Throws: `BadSamples`, which names everything that is wrong.
  func requireSound() throws { for source in sources { try source.set.requireSound() } }

  func hasPart(_ part: SplitPart) -> Bool { !samples(part).isEmpty }

  /// Samples of a part without random transforms, by source; sources that have none are left out.
  func samples(_ part: SplitPart) -> [any SampleSet] {
    sources.compactMap { $0.set.samples(part, augmented: false) }
  }

  /// Shapes of one sample of every source, by input name.
  var inputShapes: [[String: [Int]]] {
    sources.map { source in
      Dictionary(uniqueKeysWithValues: source.set.inputs.map { ($0.name, $0.shape) })
    }
  }

  /// Names of the channels of the only input of the first source; nil where there are several.
  var bands: [String]? {
    let inputs = sources[0].set.inputs
    return inputs.count == 1 ? inputs[0].bands : nil
  }

  /// What a model trained on these data expects, by input, with the source's name where there are
  /// several.
  var contract: [String: InputContract] {
    var inputs: [String: InputContract] = [:]
    for source in sources {
      let contract = source.set.contract
      for (name, input) in contract {
        let isOnly = contract.count == 1
        let label = isOnly ? source.name : "\(source.name).\(name)"
        inputs[sources.count == 1 ? name : label] = input
      }
    }
    return inputs
  }

  /// The `data` part of the run's record: that of the sources, joined.
  func record() throws -> RunRecord.Data {
    let records = sources.map { source in
      source.set.record(
        files: source.manifest.files.map {
          .init(path: $0.name, bytes: $0.bytes, digest: $0.sha256)
        }, testDigest: "")
    }
    var joined = records[0]
    let cards = sources.compactMap(\.card).uniqued()
    joined.cards = cards.isEmpty ? nil : cards
    let digests = try sources.map { try $0.set.testDigest() }
    joined.testDigest =
      digests.count == 1 ? digests[0] : SHA256Digest.of(digests.joined(separator: "\n"))
    for (source, record) in zip(sources, records).dropFirst() {
      joined.files += record.files
      joined.inputs += record.inputs
      joined.splits.merge(record.splits) { first, second in
        .init(
          units: first.units + second.units, unitName: first.unitName,
          samples: first.samples + second.samples)
      }
      if record.splitMethod != joined.splitMethod {
        joined.splitMethod += "; \(source.name): " + record.splitMethod
      }
    }
    if sources.count > 1 {
      joined.inputs = zip(sources, records).flatMap { source, record in
        record.inputs.map { input in
          var input = input
          input.name = record.inputs.count == 1 ? source.name : "\(source.name).\(input.name)"
          return input
        }
      }
    }
    return joined
  }
}

extension Array where Element: Hashable {
  /// The elements without repetition, in their order.
  func uniqued() -> [Element] {
    var seen = Set<Element>()
    return filter { seen.insert($0).inserted }
  }
}

private func relative(_ path: String, to root: String) -> String {
  let base = root.hasSuffix("/") ? root : root + "/"
  return path.hasPrefix(base) ? String(path.dropFirst(base.count)) : path
}

extension Loader.Order {
  fileprivate init(_ sampler: DataSection.Sampler) {
    switch sampler {
    case .shuffle: self = .shuffled
    case .balanced: self = .balanced
    case .sequential: self = .sequential
    }
  }
}
