package import Recipes

extension RasterOptions {
  /// Reads the data section of a recipe; nil where an error was left in `diagnostics`.
  ///
  /// Fields that mean nothing for rasters, or that are not read yet, are refused.
  package init?(
    _ section: DataSection, _ kind: TargetKind, format: any RasterFormat.Type,
    _ diagnostics: Diagnostics
  ) {
    let errorsBefore = diagnostics.errors.count
    guard let catalog = format.catalog.init(section, format, diagnostics) else { return nil }
    let inputs =
      section.inputs.isEmpty
      ? [Input(name: "image", pattern: ".")]
      : section.inputs.compactMap { Input($0, catalog, diagnostics) }
    let split = RasterSplit(section.split, diagnostics)
    let mixing = BatchMixing(section, kind, diagnostics)
    let transforms = section.singleTransforms.compactMap { component in
      Datasets.transforms.reading(component, diagnostics).map { entry, reader in
        entry.init(reader, diagnostics)
      }
    }
    section.refuseWhatImagesLack(diagnostics)
    let target = RasterTarget(section, kind, catalog, diagnostics)
    let degradation = section.degradation.map { DegradationSequence($0, diagnostics) }
    if kind == .image { inputs.refuseNormalization(diagnostics, at: section.format.location) }
    if degradation != nil, !(target?.isTheInput ?? false) {
      diagnostics.error(
        .rule(
          "degrade makes inputs from clean images, which only a restoration without target.path has",
          mend: "remove it, or data.target"), at: section.format.location, path: "data.degrade")
    }
    guard let split, diagnostics.errors.count == errorsBefore else { return nil }
    let patch = section.patch.map { Patch(size: $0.size, stride: $0.stride ?? $0.size) }
    self.init(
      format: format, catalog: catalog, root: section.root, inputs: inputs, patch: patch,
      split: split)
    badSamples = BadSamplePolicy(section)
    maximumLeak = section.split.maximumLeak
    if section.cache == .memory { keptByteCount = .max }
    self.transforms = transforms
    self.mixing = mixing
    self.target = target
    self.degradation = degradation
  }
}

extension [RasterOptions.Input] {
  /// Restored images are compared in 0…1, as they are.
  fileprivate func refuseNormalization(_ diagnostics: Diagnostics, at location: SourceLocation) {
    guard let input = first(where: { $0.normalization != .none }) else { return }
    diagnostics.error(
      .rule(
        "the task compares images in 0…1",
        mend: "set normalize: none, and scale: 0.0039215686 for pictures of 8 bits"),
      at: location, path: "data.inputs.\(input.name).normalize")
  }
}

extension RasterOptions.Input {
  fileprivate init?(
    _ section: InputSection, _ catalog: any RasterCatalog, _ diagnostics: Diagnostics
  ) {
    let path = "data.inputs.\(section.name)"
    func refuse(_ field: String, _ reason: String, mend: String) {
      diagnostics.error(.rule(reason, mend: mend), at: section.location, path: "\(path).\(field)")
    }
    self.init(name: section.name, pattern: ".")
    if let source = catalog.source(RasterSourceSection(section), diagnostics) {
      self.source = source
    }
    bands = source.reader == nil ? section.bands : nil
    fileBands = section.datasetBands
    switch section.wavelengths {
    case .values(let values): wavelengths = .values(values)
    case .linear(let low, let high): wavelengths = .linear(from: low, to: high)
    case .variable, .file:
      refuse(
        "wavelengths", "this format reads no variable or file of wavelengths",
        mend: "list them, or give {linear: [first, last]}")
    case nil: break
    }
    unit = section.unit
    scale = section.scale
    offset = section.offset
    resolution = section.resolutionMeters
    noData = section.noData
    if case .value(let value) = section.noDataReplacement { replacement = value }
    isMissingByAnyBand = section.missing == .any
    switch section.normalization ?? .zscore {
    case .zscore: normalization = .zscore
    case .twoSigma: normalization = .twoSigma
    case .minmax: normalization = .minmax
    case .none: normalization = .none
    case .perPatch, .perTrajectory, .perWindow:
      refuse(
        "normalize", "\(section.normalization?.rawValue ?? "") is not offered for rasters",
        mend: "use zscore, two-sigma, minmax or none")
    }
    size = section.size.map { .init(height: $0.height, width: $0.width) }
    skipsConstantBands = section.skipsConstantBands
    statistics = section.givenStatistics(for: normalization, diagnostics)
    let foreign: [(String, Bool)] = [
      ("variable", section.variable != nil && source.reader == nil),
      ("fields", section.fields != nil),
      ("reduce", section.reduction != nil),
    ]
    for (field, isGiven) in foreign where isGiven {
      refuse(field, "\(field) is not offered for this format", mend: "remove it")
    }
  }
}
