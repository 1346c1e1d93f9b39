import Foundation
package import Recipes
import Tensors

/// One source of PDE trajectories, opened, checked, split and normalized.
package struct PDEData: Sendable {
  package let options: PDEDataOptions
  package let set: TrajectorySet
  /// Trajectories by part, as numbers in `set`.
  package let units: [SplitPart: [Int]]
  /// Bad trajectories that `on_bad: skip` left out of their parts.
  package let skipped: [RunRecord.Data.Skipped]
  /// Statistics of each field over the training trajectories, before normalization.
  package let statistics: [FieldStatistics]
  private let store: TrajectoryStore
  let kept: KeptStatistics?

  /// Bytes of trajectories that automatic caching keeps in memory.
  package static let memoryLimit = 1 << 30

  /// Opens all files, splits, and reads the training trajectories once for their statistics.
  ///
  /// - Throws: `DataError`, or `FormatError` for an unreadable file.
  package init(_ options: PDEDataOptions, keeping kept: KeptStatistics? = nil) throws {
    self.options = options
    self.kept = kept
    let (set, partOfFile) = try Self.open(options)
    self.set = set
    guard set.frameCount > options.inputFrames, options.inputFrames > 0 else {
      throw DataError.optionInvalid(
        key: "data.n_steps_input", found: "\(options.inputFrames)",
        expected: "a number from 1 to \(set.frameCount - 1): trajectories have \(set.frameCount) "
          + "frames, and one must follow as target")
    }
    let parted =
      switch options.split {
      case .trajectories(let split): try split.parts(of: set.count)
      case .files(let split):
        try split.parts((0..<set.count).map { partOfFile[set.file(of: $0).path] ?? .train })
      }
    try Self.requireDistinct(parted, in: set)
    let raw = TrajectoryStore(
      set, normalization: .none, common: .identity(fieldCount: set.fields.count),
      keepsTrajectories: Self.fitsMemory(set, parted, options.cache))
    (units, skipped) = try Self.sound(parted, raw, options.badSamples)
    let training = units[.train] ?? []
    guard !training.isEmpty else {
      throw DataError.optionInvalid(
        key: "data.split", found: "no training trajectory",
        expected: "at least one of the \(set.count) in train")
    }

    func measured() throws -> [FieldStatistics] {
      try FieldStatistics.of(training, in: set) { try raw.raw($0) }
    }
    do {
      statistics =
        try kept?.value(of: training.map(String.init), in: set.files.map(\.path), measured)
        ?? measured()
    } catch  where error.isOfOneSample {
      let bad = try raw.defects(SplitPart.allCases.flatMap { parted[$0] ?? [] })
      throw bad.count > 1 ? BadSamples(bad.map(\.reason)) : error
    }
    let common = try Self.commonScaling(options, statistics: statistics)
    store = raw.normalized(by: options.normalization, common: common)
  }

  /// Parts without bad trajectories, where the recipe leaves these out; that moves no other.
  private static func sound(
    _ units: [SplitPart: [Int]], _ store: TrajectoryStore, _ policy: BadSamplePolicy
  ) throws -> ([SplitPart: [Int]], [RunRecord.Data.Skipped]) {
    guard policy.skips else { return (units, []) }
    let all = SplitPart.allCases.flatMap { units[$0] ?? [] }
    let bad = try store.defects(all)
    try policy.require(bad.map { .init(sample: $0.sample, reason: $0.reason) }, of: all.count)
    let numbers = Set(bad.map(\.unit))
    return (
      units.mapValues { $0.filter { !numbers.contains($0) } },
      bad.map { .init(sample: $0.sample, reason: $0.reason) }
    )
  }

  package func requireSound() throws {
    let bad = try store.defects([.val, .test].flatMap { units[$0] ?? [] })
    guard bad.isEmpty else { throw BadSamples(bad.map(\.reason)) }
  }

  /// The windows of a part; nil where the part is empty.
  package func windows(_ part: SplitPart) -> WindowSet? {
    guard let units = units[part], !units.isEmpty else { return nil }
    return WindowSet(
      store, units: units, inputFrames: options.inputFrames, stride: options.windowStride)
  }

  /// Mean and deviation per field under `zscore`, empty where they differ from sample to sample.
  package var scaling: (means: [Double], deviations: [Double]) {
    guard options.normalization == .zscore else { return ([], []) }
    return options.statistics.map { ($0.means, $0.stds) }
      ?? (statistics.map(\.mean), statistics.map(\.standardDeviation))
  }

  /// How the split was made, in words.
  package var splitSummary: String {
    switch options.split {
    case .trajectories(let split): split.summary
    case .files(let split): split.summary
    }
  }

  /// Files in order, each with the part it belongs to alone.
  private static func open(
    _ options: PDEDataOptions
  ) throws -> (TrajectorySet, [String: SplitPart]) {
    func find(_ pattern: String) throws(DataError) -> [String] {
      try FileSearch.files(pattern, root: options.root, suffixes: options.format.suffixes)
    }
    var partOfFile: [String: SplitPart] = [:]
    var paths: [String] = []
    for (part, pattern) in try options.patterns {
      for path in try find(pattern) {
        if let other = partOfFile[path] {
          throw DataError.splitOverlap(
            identifier: path, first: other.rawValue, second: part.rawValue)
        }
        partOfFile[path] = part
        paths.append(path)
      }
    }
    let files = try paths.map {
      try TrajectoryFile(
        path: $0, label: FileSearch.label(of: $0, root: options.root), format: options.format,
        variable: options.variable, selecting: options.fields, thinning: options.thinning)
    }
    return (try TrajectorySet(files, reducedBatch: options.reducedBatch), partOfFile)
  }

  private static func requireDistinct(
    _ units: [SplitPart: [Int]], in set: TrajectorySet
  ) throws(DataError) {
    var partOf: [String: SplitPart] = [:]
    for part in SplitPart.allCases {
      for unit in units[part] ?? [] {
        let identifier = set.identifier(unit)
        if let other = partOf[identifier] {
          throw .splitOverlap(
            identifier: identifier, first: other.rawValue, second: part.rawValue)
        }
        partOf[identifier] = part
      }
    }
  }

  private static func fitsMemory(
    _ set: TrajectorySet, _ units: [SplitPart: [Int]], _ cache: PDEDataOptions.Cache
  ) -> Bool {
    switch cache {
    case .memory: true
    case .none: false
    case .automatic:
      units.values.reduce(0) { $0 + $1.count } * set.frameCount * set.frameShape.reduce(4, *)
        <= memoryLimit
    }
  }

  /// The scaling of all trajectories under `zscore` and `none`.
  private static func commonScaling(
    _ options: PDEDataOptions, statistics: [FieldStatistics]
  ) throws(DataError) -> FieldScaling? {
    switch options.normalization {
    case .none: return .identity(fieldCount: statistics.count)
    case .perTrajectory, .perWindow: return nil
    case .zscore:
      if let given = options.statistics {
        guard given.means.count == statistics.count, given.stds.count == statistics.count,
          given.stds.allSatisfy({ $0 > 0 && $0.isFinite }), given.means.allSatisfy(\.isFinite)
        else {
          throw .optionInvalid(
            key: "data.inputs.state.stats", found: "means \(given.means), stds \(given.stds)",
            expected: "one finite mean and one positive std for each of "
              + "\(statistics.map(\.field))")
        }
        return FieldScaling(
          means: given.means.map { Float($0) }, deviations: given.stds.map { Float($0) })
      }
      for field in statistics where !(Float(field.standardDeviation) > 0) {
        throw .constantField(field: field.field, value: field.mean)
      }
      return FieldScaling(
        means: statistics.map { Float($0.mean) },
        deviations: statistics.map { Float($0.standardDeviation) })
    }
  }
}

extension PDEDataOptions {
  /// What to read for which part; one entry where trajectories are split.
  fileprivate var patterns: [(SplitPart, String)] {
    get throws(DataError) {
      switch split {
      case .trajectories: return [(.train, files ?? ".")]
      case .files(let split):
        guard files == nil else {
          throw .optionInvalid(
            key: "data.inputs.state.path", found: files ?? "",
            expected: "nothing beside data.split.method files, whose parts name the files")
        }
        return split.patterns
      }
    }
  }
}
