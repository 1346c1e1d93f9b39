package import Recipes

extension SceneData: DataSet {
  package var mixing: BatchMixing? { options.mixing }

  package var filePaths: [String] {
    var sources = [options.image.source, options.target.source]
    if case .masks(let masks, _, _) = options.split { sources += masks.values }
    if case .file(let path) = options.image.wavelengths { sources.append(.init(path: path)) }
    return Set(sources.map(options.path)).sorted()
  }

  package var inputs: [InputDescription] {
    [
      InputDescription(
        name: options.image.name, shape: imageContract.shape, bands: image.bands)
    ]
  }

  package var contract: [String: InputContract] { [options.image.name: .image(imageContract)] }

  package var target: TargetDescription? {
    options.knownTarget
      ?? TargetDescription(
        kind: .label, names: labels.classNames, ignoreIndex: options.target.ignoreIndex,
        counts: partition.counts[.train] ?? [])
  }

  package func samples(_ part: SplitPart, augmented: Bool) -> (any SampleSet)? {
    patches(part, augmented: augmented)
  }

  package func testDigest() -> String { digestOfTest }

  package func record(files: [RunRecord.Data.File], testDigest: String) -> RunRecord.Data {
    var splits: [String: RunRecord.Data.Split] = [:]
    let side = options.unitSide
    for part in SplitPart.allCases {
      guard let samples = patches(part, augmented: false) else { continue }
      splits[part.rawValue] = .init(
        units: Set((0..<samples.count).map(samples.unit)).count,
        unitName: "blocks of \(side)×\(side) pixels", samples: samples.count)
    }
    var record = RunRecord.Data(
      format: SceneFormat.name, files: files, splits: splits, inputs: [inputRecord],
      skipped: skipped,
      splitMethod: options.splitSummary, testDigest: testDigest)
    record.target = target
    record.overlaps = notes
    record.leak = partition.distance.map { _ in partition.insideShare }
    record.spectra = spectra
    return record
  }

  private var inputRecord: RunRecord.Data.Input {
    let hasNumbers = options.image.normalization != .none
    let bands = image.statistics
    let axes = zip(["C", "H", "W"], imageContract.shape).map { "\($0) \($1)" }
    return RunRecord.Data.Input(
      name: options.image.name, bands: hasNumbers ? bands.map(\.field) : image.bands,
      unit: options.image.unit ?? "", shape: axes.joined(separator: ", "),
      resolution: image.resolution.map { "\(Float($0)) m per pixel" } ?? "not in the files",
      normalization: imageContract.normalization + reductionSummary,
      means: hasNumbers ? bands.map(\.mean) : [],
      standardDeviations: hasNumbers ? bands.map(\.standardDeviation) : [])
  }

  private var reductionSummary: String {
    switch image.reduction {
    case .components(let found):
      var text =
        ", \(found.directions.count) principal components of \(found.mean.count) bands"
      if found.whitens { text += ", whitened" }
      if case .components(_, _, let fit) = options.image.reduction {
        text +=
          fit == .all
          ? ", of all pixels" : ", of the \(fit == .train ? "training" : "labelled") pixels"
      }
      return text
    case .bands(let numbers): return ", \(numbers.count) of \(image.statistics.count) bands"
    case nil: return ""
    }
  }
}

extension ImageContract {
  /// What a model needs that was trained on a prepared cube.
  init(_ cube: SceneArray, _ image: SceneImage, _ options: SceneOptions) {
    let bands = image.statistics
    let hasNumbers = options.image.normalization != .none
    self.init(
      shape: [image.bands.count, options.patch, options.patch], bands: cube.bands,
      unit: options.image.unit, scale: options.image.scale, offset: options.image.offset,
      wavelengths: cube.wavelengths, resolution: image.resolution,
      noData: options.image.noData ?? cube.noData,
      normalization: options.image.isStandardizedByPatch
        ? InputSection.Normalization.perPatch.rawValue : options.image.normalization.rawValue,
      means: hasNumbers ? bands.map(\.mean) : [],
      standardDeviations: hasNumbers ? bands.map(\.standardDeviation) : [],
      quantiles: bands.map(\.quantiles))
    minimums = bands.map(\.minimum)
    maximums = bands.map(\.maximum)
    reduction = image.reduction
  }
}
