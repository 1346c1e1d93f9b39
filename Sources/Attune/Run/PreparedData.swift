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

  /// The `data` part of the run's record.
  func record() throws -> RunRecord.Data {
    var splits: [String: RunRecord.Data.Split] = [:]
    for part in SplitPart.allCases where hasPart(part) {
      let windows = sources.compactMap { $0.data.windows(part) }
      splits[part.rawValue] = .init(
        units: windows.reduce(0) { $0 + $1.units.count }, unitName: "trajectories",
        samples: windows.reduce(0) { $0 + $1.count })
    }
    return RunRecord.Data(
      format: sources.map { $0.data.options.format.name }.uniqued().joined(separator: ", "),
      files: sources.flatMap { source in
        source.manifest.files.map { .init(path: $0.name, bytes: $0.bytes, digest: $0.sha256) }
      }, splits: splits, inputs: sources.map(input), skipped: [],
      splitMethod: sources.map(\.data.splitSummary).uniqued().joined(separator: "; "),
      testDigest: try testDigest())
  }

  private func input(_ source: Source) -> RunRecord.Data.Input {
    let set = source.data.set
    let shape = [set.frameCount] + set.frameShape
    let axes = zip(["T", "F", "C", "D", "H", "W"], shape).filter { $0.1 > 1 || $0.0 == "T" }
      .map { "\($0.0) \($0.1)" }
    var resolution: [String] = []
    if let interval = set.files[0].interval { resolution.append("dt \(short(interval))") }
    for (axis, spacing) in zip(["x", "y", "z"], set.files[0].spacing) {
      if let spacing { resolution.append("d\(axis) \(short(spacing))") }
    }
    let scaling = source.data.scaling
    return RunRecord.Data.Input(
      name: source.name == source.data.options.format.name ? "state" : source.name,
      bands: set.fields.map(\.name), unit: "", shape: axes.joined(separator: ", "),
      resolution: resolution.joined(separator: ", "),
      normalization: source.data.options.normalization.rawValue, means: scaling.means,
      standardDeviations: scaling.deviations)
  }
}

extension Array where Element: Hashable {
  /// The elements without repetition, in their order.
  func uniqued() -> [Element] {
    var seen = Set<Element>()
    return filter { seen.insert($0).inserted }
  }
}

private func short(_ value: Double) -> String { String(format: "%.4g", value) }

private func relative(_ path: String, to root: String) -> String {
  let base = root.hasSuffix("/") ? root : root + "/"
  return path.hasPrefix(base) ? String(path.dropFirst(base.count)) : path
}
