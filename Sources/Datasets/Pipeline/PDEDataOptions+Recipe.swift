import Foundation
package import Recipes

extension PDEDataOptions {
  /// Reads the data section of a recipe; nil where an error was left in `diagnostics`.
  ///
  /// Fields that mean nothing for PDE trajectories are refused, not passed over.
  package init?(
    _ section: DataSection, formats: Registry<any TrajectoryFormat.Type> = trajectoryFormats,
    _ diagnostics: Diagnostics
  ) {
    let errorsBefore = diagnostics.errors.count
    let format = formats.reading(section.format, diagnostics)?.entry
    _ = OptionReader(section.target.selections, [], diagnostics)
    let input = Self.onlyInput(of: section, diagnostics)
    let split = SplitPlan(section.split, diagnostics)
    section.refuseWhatPDEDataLack(diagnostics)
    guard let format, let split, diagnostics.errors.count == errorsBefore else { return nil }

    self.init(format: format, root: section.root, split: split)
    thinning = Thinning(
      space: section.reducedResolution, time: section.reducedTimeResolution)
    reducedBatch = section.reducedBatch
    inputFrames = section.inputSteps
    windowStride = section.windowStride
    cache = section.cache == .memory ? .memory : .automatic
    badSamples = BadSamplePolicy(section)
    if let input { read(input, diagnostics) }
    guard diagnostics.errors.count == errorsBefore else { return nil }
  }

  private static func onlyInput(
    of section: DataSection, _ diagnostics: Diagnostics
  ) -> InputSection? {
    for extra in section.inputs.dropFirst() {
      diagnostics.error(
        .rule(
          "PDE readers give one input, 'state'; '\(extra.name)' is a second one",
          mend: "name all fields under one input, or list data.sources"),
        at: extra.location, path: "data.inputs.\(extra.name)")
    }
    return section.inputs.first
  }

  private mutating func read(_ input: InputSection, _ diagnostics: Diagnostics) {
    let path = "data.inputs.\(input.name)"
    _ = OptionReader(input.selections, [], diagnostics)
    func refuse(_ field: String, _ reason: String, mend: String) {
      diagnostics.error(
        .rule(reason, mend: mend), at: input.location, path: "\(path).\(field)")
    }
    switch input.source {
    case .files(let pattern), .component(let pattern): files = pattern
    case nil: break
    }
    variable = input.variable
    fields = input.fields?.map {
      FieldRequest($0.name, components: $0.components.isEmpty ? nil : $0.components)
    }
    switch input.normalization ?? .zscore {
    case .perTrajectory: normalization = .perTrajectory
    case .perWindow: normalization = .perWindow
    case .zscore: normalization = .zscore
    case .none: normalization = .none
    case .twoSigma, .minmax, .perPatch:
      refuse(
        "normalize", "\(input.normalization?.rawValue ?? "") is not defined for PDE fields",
        mend: "use zscore, per-trajectory, per-window or none")
    }
    switch input.statistics {
    case .auto: break
    case .values(let means, let deviations):
      statistics = GivenStatistics(means: means, stds: deviations)
    case .file(let file):
      do {
        statistics = try JSONDecoder().decode(
          GivenStatistics.self, from: Data(contentsOf: URL(filePath: file)))
      } catch {
        refuse(
          "stats", "\(file) holds no statistics (\(error.localizedDescription))",
          mend: "give a JSON file {\"means\": […], \"stds\": […]}")
      }
    }
    if statistics != nil, normalization != .zscore {
      refuse(
        "stats", "\(normalization.rawValue) computes its own statistics",
        mend: "leave stats out, or set normalize: zscore")
    }
    let foreign: [(String, Bool)] = [
      ("bands", input.bands != nil), ("dataset_bands", input.datasetBands != nil),
      ("rgb_bands", input.rgbBands != nil), ("wavelengths", input.wavelengths != nil),
      ("scale", input.scale != 1), ("offset", input.offset != 0),
      ("resolution", input.resolutionMeters != nil), ("no_data", input.noData != nil),
      ("reduce", input.reduction != nil), ("resize", input.size != nil),
      ("skip_constant_channels", input.skipsConstantBands),
    ]
    for (field, isGiven) in foreign where isGiven {
      refuse(field, "\(field) means nothing for PDE fields", mend: "remove it")
    }
  }
}

extension DataSection {
  fileprivate func refuseWhatPDEDataLack(_ diagnostics: Diagnostics) {
    let rules: [(Bool, String, String, String)] = [
      (
        inputSteps == 0, "n_steps_input", "steady problems are not read yet",
        "give 1 or more input frames"
      ),
      (
        outputSteps != 1, "n_steps_output", "one frame is predicted at a time",
        "set it to 1; eval.rollout_steps predicts further"
      ),
      (patch != nil, "patch", "PDE fields are read whole", "remove it"),
      (degradation != nil, "degrade", "PDE fields are not degraded", "remove it"),
      (!transforms.isEmpty, "transforms", "PDE fields have no transforms", "remove it"),
      (
        cache == .disk, "cache", "trajectories are cached in memory or not at all",
        "use memory or none"
      ),
    ]
    for (applies, field, reason, mend) in rules where applies {
      diagnostics.error(
        .rule(reason, mend: mend), at: format.location, path: "data.\(field)")
    }
  }
}

extension SplitPlan {
  /// Reads `data.split`; nil where an error was left in `diagnostics`.
  init?(_ section: SplitSection, _ diagnostics: Diagnostics) {
    let seed = UInt64(section.seed)
    var limits: [SplitPart: TrajectorySplit.Limit] = [:]
    for (name, allowance) in section.limits {
      guard let part = SplitPart(rawValue: name) else { continue }
      limits[part] =
        switch allowance {
        case .count(let count): .count(count)
        case .share(let share): .share(share)
        }
    }
    switch section.method.name {
    case "trajectory":
      let reader = OptionReader(section.method, TrajectorySplit.options, diagnostics)
      guard let sizes = TrajectorySplit.Sizes(reader, diagnostics) else { return nil }
      self = .trajectories(
        TrajectorySplit(
          sizes, seed: seed,
          generator: reader.choice("generator", as: TrajectorySplit.Generator.self),
          limits: limits))
    case "files":
      let reader = OptionReader(section.method, FileSplit.options, diagnostics)
      let validation: FileSplit.Validation? =
        reader.optionalNumber("val").map { .shareOfTrain($0) }
        ?? reader.optionalText("val").map { .files($0) }
      self = .files(
        FileSplit(
          train: reader.text("train"), validation: validation, test: reader.optionalText("test"),
          seed: seed, limits: limits))
    default:
      diagnostics.error(
        .unknownName(
          kind: "split method of PDE data", name: section.method.name,
          known: ["files", "trajectory"]),
        at: section.method.nameLocation, path: section.method.path)
      return nil
    }
  }
}

extension TrajectorySplit {
  /// Options of the split method `trajectory`.
  package static let options: OptionTable = [
    Option(
      "fractions", .list(.number, count: 3...3), default: .absent, range: .within(0...1),
      "shares of training, validation and test trajectories"),
    Option(
      "counts", .list(.integer, count: 3...3), default: .absent, range: .atLeast(0),
      "numbers of training, validation and test trajectories"),
    Option(
      "generator", .choice(Generator.self), default: "attune",
      "whose permutation: ours, numpy's legacy one, or that of MORPH's general script"),
  ]
}

extension TrajectorySplit.Sizes {
  fileprivate init?(_ reader: OptionReader, _ diagnostics: Diagnostics) {
    let (fractions, counts) = (reader.numbers("fractions"), reader.ints("counts"))
    guard fractions.isEmpty != counts.isEmpty else {
      diagnostics.error(
        .rule("the sizes of the parts are not clear", mend: "give one of fractions and counts"),
        at: reader.location, path: reader.path)
      return nil
    }
    self = counts.isEmpty ? .fractions(fractions) : .counts(counts)
  }
}

extension FileSplit {
  /// Options of the split method `files`.
  package static let options: OptionTable = [
    Option(
      "train", .text, default: .required, "training files: a folder, a file, or a name with *"),
    Option(
      "val", .either([.number, .text]), default: .absent,
      "validation files, or a share of the training trajectories"),
    Option("test", .text, default: .absent, "test files"),
  ]
}
