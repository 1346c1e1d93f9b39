import Datasets
import Foundation
import Recipes
import Tasks
import Tensors
import Training

/// The opened data of a run: training batches, whole trajectories for evaluation, descriptions.
struct PreparedData: Sendable {
  struct Source: Sendable {
    let name: String
    let weight: Double
    let root: String
    let data: PDEData
    let manifest: Manifest
  }

  let sources: [Source]
  let loader: Loader
  let inputFrames: Int

  init(_ plan: DataPlan, seed: Int, digests: inout FileDigestCache) throws {
    var sources: [Source] = []
    for source in plan.sources {
      let data = try PDEData(source.options)
      let names = data.set.files.map { relative($0.path, to: source.section.root) }
      sources.append(
        Source(
          name: source.name, weight: source.weight, root: source.section.root, data: data,
          manifest: try digests.manifest(
            of: names, root: source.section.root, method: source.section.fileDigests)))
    }
    self.sources = sources
    inputFrames = plan.sources[0].options.inputFrames
    loader = Loader(
      try sources.map { source in
        guard let windows = source.data.windows(.train) else {
          throw RunError.dataTooShort(what: "\(source.root): no training trajectory")
        }
        return Loader.Source(name: source.name, samples: windows, weight: source.weight)
      },
      batchSize: plan.batchSize, seed: UInt64(bitPattern: Int64(seed)),
      order: plan.sources[0].section.sampler == .sequential ? .sequential : .shuffled)
  }

  func batch(_ microStep: Int) throws -> Batch {
    let plan = loader.plan(microStep)
    return Batch(identifiers: plan.identifiers, fields: try loader.load(plan))
  }

  func hasPart(_ part: SplitPart) -> Bool {
    sources.contains { !($0.data.units[part] ?? []).isEmpty }
  }

  /// Whole trajectories of a part, over all sources in order.
  func trajectories(_ part: SplitPart) -> [@Sendable () throws -> NormalizedTrajectory] {
    sources.flatMap { source -> [@Sendable () throws -> NormalizedTrajectory] in
      guard let windows = source.data.windows(part) else { return [] }
      return windows.units.indices.map { position in
        {
          let trajectory = try windows.trajectory(position)
          return NormalizedTrajectory(
            identifier: trajectory.identifier, values: trajectory.values,
            means: trajectory.scaling.means.map(Double.init),
            deviations: trajectory.scaling.deviations.map(Double.init))
        }
      }
    }
  }

  /// Shape of one batch of the first source, `[batch, time, field, component, D, H, W]`.
  var inputShapes: [[Int]] {
    sources.map { [1, inputFrames] + $0.data.set.frameShape }
  }

  /// Frames of the shortest trajectories.
  var frameCount: Int { sources.map(\.data.set.frameCount).min() ?? 0 }

  /// SHA-256 over identifiers and values of the test part.
  func testDigest() throws -> String {
    var parts: [String] = []
    for source in sources {
      guard let windows = source.data.windows(.test) else { continue }
      for (position, identifier) in windows.unitIdentifiers.enumerated() {
        let raw = try windows.rawTrajectory(position)
        let bytes = raw.withElements(of: Float.self) { Data(buffer: $0) }
        parts.append("\(identifier) \(SHA256Digest.of(bytes))")
      }
    }
    return parts.isEmpty ? "" : SHA256Digest.of(parts.joined(separator: "\n"))
  }

  /// The `data` part of the run's record: that of the sources, joined.
  func record() throws -> RunRecord.Data {
    let records = sources.map { source in
      source.data.record(
        files: source.manifest.files.map {
          .init(path: $0.name, bytes: $0.bytes, digest: $0.sha256)
        }, testDigest: "")
    }
    var joined = records[0]
    joined.testDigest = try testDigest()
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
      for (index, source) in sources.enumerated() { joined.inputs[index].name = source.name }
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
