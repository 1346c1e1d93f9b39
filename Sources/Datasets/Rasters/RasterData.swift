import Formats
import Foundation
package import Recipes
import Tensors

/// Raster files, opened, paired, cut into windows, split and normalized.
package struct RasterData: Sendable {
  let options: RasterOptions
  let scenes: [RasterScene]
  /// Samples that were left out, and why.
  let skipped: [RunRecord.Data.Skipped]
  private let windows: [SplitPart: [RasterWindow]]
  /// Statistics of each band of each input over the training windows, after scale and offset.
  package let statistics: [[FieldStatistics]]
  /// The same for each group, where the catalog keeps them apart.
  let groupStatistics: [String: [[FieldStatistics]]]
  private let seed: UInt64
  private let kept: KeptStatistics?
  let targets: RasterTargets?
  package private(set) var target: TargetDescription?
  /// What the record must say of ground that parts share, and of the targets.
  private var notes: [String] = []
  /// Share of the test part's ground that training windows cover; nil without a test part.
  private var leak: Double?
  /// Shape of one training sample of each input.
  private var shapes: [[Int]] = []

  /// Opens all files, splits, and reads the training windows once for their statistics.
  ///
  /// - Throws: `DataError`, or `FormatError` for an unreadable file.
  package init(
    _ options: RasterOptions, seed: UInt64, keeping kept: KeptStatistics? = nil
  ) throws {
    self.options = options
    self.seed = seed
    self.kept = kept
    let opened = try RasterScenes(options)
    (scenes, skipped) = (opened.scenes, opened.skipped)
    let (all, root) = (scenes, options.root)
    targets = try options.target.map { try RasterTargets($0, all, root: root) }
    let classes = targets?.classes
    windows = try RasterWindow.parts(
      of: scenes, options, classes: classes, ignored: options.target?.ignoreIndex ?? -1)
    let training = windows[.train] ?? []
    guard !training.isEmpty else {
      throw DataError.optionInvalid(
        key: "data.split", found: "no training window", expected: "at least one in train")
    }
    let (scenes, windows) = (scenes, windows)
    (statistics, groupStatistics) = try options.statistics(of: scenes, training, keeping: kept)
    let footprints = Footprints(scenes, windows)
    notes = footprints.notes
    leak = windows[.test].map { _ in footprints.leak }
    guard footprints.leak <= options.maximumLeak else {
      throw DataError.footprintsOverlap(
        found: footprints.leak, allowed: options.maximumLeak, example: footprints.example)
    }
    if let targets {
      var census = TargetCensus(targets)
      let unchanged = samples(.train, augmented: false, windows)
      try concurrentForEach(training.count) { number in
        try unchanged?.target(of: training[number]) ?? Tensor(0)
      } take: {
        census.add($0)
      }
      target = try options.knownTarget ?? census.description()
      if !census.absentClasses.isEmpty {
        notes += [
          "No training pixel of class \(census.absentClasses.joined(separator: ", "))."
        ]
      }
    }
    let first = samples(.train, augmented: true, windows)
    guard let sample = try first?.sample(0, epoch: 0) else { return }
    shapes = options.inputs.map { sample[$0.name]?.shape ?? [] }
  }

  private func samples(
    _ part: SplitPart, augmented: Bool, _ windows: [SplitPart: [RasterWindow]]
  ) -> RasterSamples? {
    guard let places = windows[part], !places.isEmpty else { return nil }
    return RasterSamples(
      scenes: scenes, windows: places, inputs: options.inputs,
      scalings: groupStatistics.mapValues { statistics in
        options.inputs.enumerated().map { number, input in
          RasterScaling(input, like: scenes[0].layers[number], statistics: statistics[number])
        }
      }, targets: targets, degradation: options.degradation,
      transforms: options.transforms.applied(augmented: augmented), isAugmented: augmented,
      seed: seed)
  }
}

extension RasterOptions: DataSetPlan {
  package func open(seed: UInt64, keeping kept: KeptStatistics?) throws -> any DataSet {
    try RasterData(self, seed: seed, keeping: kept)
  }

  package func normalizing(
    by contract: [String: InputContract], target: TargetDescription?
  ) -> any DataSetPlan {
    var options = self
    if let target {
      options.knownTarget = target
      if target.kind.hasClasses, options.target?.classOfValue == nil {
        options.target?.classNames = target.names
      }
    }
    for number in inputs.indices where inputs[number].normalization != .none {
      guard case .image(let image) = contract[inputs[number].name], !image.means.isEmpty else {
        continue
      }
      options.inputs[number].statistics = .init(
        means: image.means, stds: image.standardDeviations)
      options.inputs[number].groupStatistics = image.groups ?? [:]
      options.inputs[number].statisticsAreARuns = true
    }
    return options
  }
}

extension RasterOptions {
  package func predictionScene(
    _ files: [String: String], contract: [String: InputContract]
  ) throws -> (any PredictionScene)? {
    let images = contract.compactMapValues { entry in
      if case .image(let image) = entry { image } else { nil }
    }
    return try RasterPredictionScene(files, self, contract: images)
  }
}

extension RasterData: DataSet {
  package var mixing: BatchMixing? { options.mixing }

  package var filePaths: [String] {
    Set(scenes.flatMap { $0.all.map(\.file.storedPath) } + tablePaths).sorted()
  }

  /// Tables of targets and of parts.
  private var tablePaths: [String] {
    (targets?.tablePaths(root: options.root) ?? []) + options.split.listPaths(root: options.root)
  }

  package var inputs: [InputDescription] {
    options.inputs.enumerated().map { number, input in
      InputDescription(
        name: input.name, shape: shapes[number], bands: scenes[0].layers[number].names)
    }
  }

  package func samples(_ part: SplitPart, augmented: Bool) -> (any SampleSet)? {
    samples(part, augmented: augmented, windows)
  }

  package var contract: [String: InputContract] {
    var contract: [String: InputContract] = [:]
    for (number, input) in options.inputs.enumerated() {
      let layer = scenes[0].layers[number]
      let bands = statistics[number]
      var image = ImageContract(
        shape: shapes[number], bands: layer.names, unit: input.unit, scale: input.scale,
        offset: input.offset,
        wavelengths: RasterSamples.wavelengths(input, layer),
        resolution: input.resolution ?? layer.resolution, noData: input.noData,
        normalization: input.normalization.rawValue, means: bands.map(\.mean),
        standardDeviations: bands.map(\.standardDeviation), quantiles: bands.map(\.quantiles))
      image.minimums = bands.map(\.minimum)
      image.maximums = bands.map(\.maximum)
      if options.catalog.separatesGroups {
        image.groups = groupStatistics.mapValues { statistics in
          .init(
            means: statistics[number].map(\.mean),
            stds: statistics[number].map(\.standardDeviation))
        }
      }
      contract[input.name] = .image(image)
    }
    return contract
  }

  package func requireSound() throws {
    let defects = try scenes.defects(options)
    guard defects.isEmpty else { throw BadSamples(defects.map(\.reason)) }
  }

  package func testDigest() throws -> String {
    guard let places = windows[.test], !places.isEmpty else { return "" }
    func read() throws -> String {
      let parts = try concurrentMap(places.count) { try digest(of: places[$0]) }
      return SHA256Digest.of(parts.joined(separator: "\n"))
    }
    let tested = places.map { scenes[$0.scene] }
    return try kept?.digest(
      of: zip(places, tested).map { "\($1.group)/\($0.identifier(in: $1))" },
      in: Set(tested.flatMap { $0.all.map(\.file.storedPath) } + tablePaths).sorted(), read)
      ?? read()
  }

  /// A line on the content of a window: its stored values and its target.
  private func digest(of place: RasterWindow) throws -> String {
    let scene = scenes[place.scene]
    var digests = try scene.layers.map { layer in
      try layer.file.read(bands: layer.bands, in: layer.fileWindow(place.window))
        .withElements(of: Float.self) { SHA256Digest.of(Data(buffer: $0)) }
    }
    if let target = try targets?.digest(scene, place) { digests.append(target) }
    return "\(place.identifier(in: scene)) \(digests.joined(separator: " "))"
  }

  package func record(files: [RunRecord.Data.File], testDigest: String) -> RunRecord.Data {
    var splits: [String: RunRecord.Data.Split] = [:]
    for part in SplitPart.allCases {
      guard let places = windows[part], !places.isEmpty else { continue }
      splits[part.rawValue] = .init(
        units: Set(places.map { $0.unit(in: scenes[$0.scene]) }).count,
        unitName: places.contains { $0.block != nil } ? "blocks" : "scenes",
        samples: places.count)
    }
    var record = RunRecord.Data(
      format: options.format.name, files: files, splits: splits,
      inputs: options.inputs.indices.map(describe), skipped: skipped,
      splitMethod: options.split.summary, testDigest: testDigest)
    record.target = target
    record.overlaps = notes + duplicates(files)
    record.leak = leak
    return record
  }

  /// Files of the first input that stand byte for byte in two parts.
  private func duplicates(_ files: [RunRecord.Data.File]) -> [String] {
    var parts: [String: [SplitPart: String]] = [:]
    let digests = Dictionary(files.map { ($0.path, $0.digest) }) { first, _ in first }
    for part in SplitPart.allCases {
      for number in Set((windows[part] ?? []).map(\.scene)).sorted() {
        let path = scenes[number].layers[0].file.path
        guard let digest = digests[FileSearch.label(of: path, root: options.root)] else { continue }
        parts[digest, default: [:]][part] = scenes[number].identifier
      }
    }
    // A file that is cut into blocks of several parts is no copy of another.
    let copies = parts.values.filter { Set($0.values).count > 1 }
    guard let first = copies.map({ $0.values.sorted() }).min(by: { $0[0] < $1[0] }) else {
      return []
    }
    return [
      "\(copies.count) files stand byte for byte in two parts, such as "
        + first.joined(separator: " and ") + "."
    ]
  }

  private func describe(_ number: Int) -> RunRecord.Data.Input {
    let input = options.inputs[number]
    let layer = scenes[0].layers[number]
    let axes = zip(["C", "H", "W"], shapes[number]).map { "\($0) \($1)" }
    let resolution = input.resolution ?? layer.resolution
    let bands = statistics[number]
    let isNormalized = input.normalization != .none
    return RunRecord.Data.Input(
      name: input.name, bands: layer.names, unit: input.unit ?? "",
      shape: axes.joined(separator: ", "),
      resolution: resolution.map { "\(Float($0)) m per pixel" } ?? "not in the files",
      normalization: input.normalization.rawValue
        + (isNormalized && groupStatistics.count > 1
          ? ", each area by its own numbers (contract.json); here over all" : ""),
      means: isNormalized ? bands.map(\.mean) : [],
      standardDeviations: isNormalized ? bands.map(\.standardDeviation) : [])
  }
}
