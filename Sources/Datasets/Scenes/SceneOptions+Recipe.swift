package import Recipes

extension SceneOptions {
  /// Reads the data section of a recipe; nil where an error was left in `diagnostics`.
  ///
  /// Fields that mean nothing for a scene, or that are not read yet, are refused.
  package init?(_ section: DataSection, _ kind: TargetKind, _ diagnostics: Diagnostics) {
    let errorsBefore = diagnostics.errors.count
    _ = OptionReader(section.format, SceneFormat.options, diagnostics)
    func refuse(_ field: String, _ reason: String, mend: String) {
      diagnostics.error(
        .rule(reason, mend: mend), at: section.format.location, path: "data.\(field)")
    }
    if kind != .label {
      refuse(
        "format",
        "\(section.format.name) gives one class for each sample, the task needs \(kind.meaning)",
        mend: "set task: pixel-classification, or choose another format")
    }
    if section.inputs.count != 1 {
      refuse(
        "inputs", "a scene is one input, found \(section.inputs.count)",
        mend: "give one, as inputs: {image: {path: FILE}}")
    }
    let image = section.inputs.first.flatMap { Image($0, diagnostics) }
    let target = image.flatMap { Target(section, besides: $0.source, diagnostics) }
    if section.patch == nil {
      refuse("patch", "samples are patches around pixels", mend: "give patch: {size: ODD NUMBER}")
    }
    if let patch = section.patch {
      if patch.size % 2 == 0 {
        refuse(
          "patch.size", "a patch has its pixel in the middle, found the even side \(patch.size)",
          mend: "give an odd number")
      }
      if patch.size == 1, image?.isStandardizedByPatch == true {
        refuse(
          "patch.size", "per-patch normalization leaves nothing of a single pixel",
          mend: "give a larger one, or inputs.\(image?.name ?? "image").normalize: zscore")
      }
      if patch.stride != nil {
        refuse("patch.stride", "there is a patch for every labelled pixel", mend: "remove it")
      }
    }
    if section.degradation != nil {
      refuse("degrade", "it makes inputs of restoration from clean images", mend: "remove it")
    }
    let split = Split(section.split, diagnostics)
    let mixing = BatchMixing(section, .label, diagnostics)
    let transforms = section.singleTransforms.compactMap { component in
      Datasets.transforms.reading(component, diagnostics).map { entry, reader in
        if entry.effect == .extent || entry.effect == .scale {
          refuse(
            "transforms", "\(entry.name) changes the patch around a pixel",
            mend: "remove it, and set patch.size")
        }
        return entry.init(reader, diagnostics)
      }
    }
    section.refuseWhatImagesLack(diagnostics)
    guard let image, let target, let patch = section.patch, let split,
      diagnostics.errors.count == errorsBefore
    else { return nil }
    self.init(root: section.root, image: image, target: target, patch: patch.size, split: split)
    padding = patch.padding
    badSamples = BadSamplePolicy(section)
    self.transforms = transforms
    self.mixing = mixing
  }
}

extension SceneOptions.Image {
  fileprivate init?(_ section: InputSection, _ diagnostics: Diagnostics) {
    _ = OptionReader(section.selections, [], diagnostics)
    func refuse(_ field: String, _ reason: String, mend: String) {
      diagnostics.error(
        .rule(reason, mend: mend), at: section.location,
        path: "data.inputs.\(section.name).\(field)")
    }
    guard case .files(let path) = section.source else {
      refuse("path", "a scene is one file", mend: "give its path below data.root")
      return nil
    }
    self.init(name: section.name, source: .init(path: path, variable: section.variable))
    bands = section.bands
    wavelengths = section.wavelengths
    unit = section.unit
    scale = section.scale
    offset = section.offset
    resolution = section.resolutionMeters
    noData = section.noData
    isMissingByAnyBand = section.missing == .any
    switch section.normalization ?? .zscore {
    case .zscore: normalization = .zscore
    case .twoSigma: normalization = .twoSigma
    case .minmax: normalization = .minmax
    case .none: normalization = .none
    case .perPatch: isStandardizedByPatch = true
    case .perTrajectory, .perWindow:
      refuse(
        "normalize", "\(section.normalization?.rawValue ?? "") belongs to PDE data",
        mend: "use zscore, two-sigma, minmax, per-patch or none")
    }
    statistics = section.givenStatistics(for: normalization, diagnostics)
    if let bands, bands.isEmpty {
      refuse("bands", "no band is left", mend: "name some, or remove it for all")
    }
    reduction = section.reduction.flatMap { reduction in
      switch (reduction.method, reduction.components, reduction.bands) {
      case (.pca, .some(let count), nil):
        return .components(count, whitens: reduction.whitens, fit: reduction.fit)
      case (.pca, _, _):
        refuse(
          "reduce", "pca gives components", mend: "give components: NUMBER, and no bands")
      case (.select, nil, .some(let bands)) where !bands.isEmpty && !reduction.whitens:
        return .bands(bands)
      case (.select, _, _):
        refuse(
          "reduce", "select leaves bands as they are",
          mend: "give bands: [NAME OR NUMBER, …], and neither components nor whiten")
      }
      return nil
    }
    let isMean =
      switch section.noDataReplacement {
      case .mean: true
      case .value(let value): value == 0
      }
    let foreign: [(String, Bool)] = [
      ("fields", section.fields != nil), ("dataset_bands", section.datasetBands != nil),
      ("rgb_bands", section.rgbBands != nil), ("no_data_replace", !isMean),
      ("resize", section.size != nil), ("skip_constant_channels", section.skipsConstantBands),
    ]
    for (field, isGiven) in foreign where isGiven {
      refuse(field, "\(field) is not offered for this format", mend: "remove it")
    }
  }
}

extension SceneOptions.Target {
  /// Reads `data.target`; without a path the labels lie in the cube's file.
  fileprivate init?(
    _ section: DataSection, besides cube: SceneOptions.Source, _ diagnostics: Diagnostics
  ) {
    let target = section.target
    _ = OptionReader(target.selections, [], diagnostics)
    func refuse(_ field: String, _ reason: String, mend: String) {
      diagnostics.error(
        .rule(reason, mend: mend), at: section.format.location, path: "data.target.\(field)")
    }
    switch target.source {
    case .files(let path): self.init(source: .init(path: path, variable: target.variable))
    case .component:
      refuse("component", "this format has no components", mend: "give path")
      return nil
    case nil: self.init(source: .init(path: cube.path, variable: target.variable))
    }
    if let value = target.unlabelled { unlabelled = value }
    classNames = target.classNames
    if let names = classNames, Set(names).count != names.count {
      refuse("class_names", "a name stands twice", mend: "give every class a name of its own")
    }
    ignoreIndex = target.ignoreIndex
    classOfValue = target.labelMap.map { entries in
      Dictionary(
        entries.map { ($0.value, $0.index == target.ignoreIndex ? -1 : $0.index) }
      ) { first, _ in first }
    }
    unmapped = target.unmapped == .index(target.ignoreIndex) ? .ignore : target.unmapped
    if let count = classNames?.count, (0..<count).contains(target.ignoreIndex) {
      refuse(
        "ignore_index",
        "\(target.ignoreIndex) is a class (\(classNames?[target.ignoreIndex] ?? ""))",
        mend: "choose one of \(count) or more, and mark pixels without a class by unlabelled")
    }
    let foreign: [(String, Bool)] = [
      ("column", target.column != nil), ("fields", target.fields?.isEmpty == false),
      ("resize", target.size != nil), ("preserve", target.preserved != nil),
      ("min_share", target.minimumShare != nil),
    ]
    for (field, isGiven) in foreign where isGiven {
      refuse(field, "\(field) means nothing for a label image", mend: "remove it")
    }
  }
}
