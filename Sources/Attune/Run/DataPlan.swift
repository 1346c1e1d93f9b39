import Datasets
import Recipes

/// The data sections of a recipe after decoding, before any file is opened.
struct DataPlan {
  /// One data set with its name and weight; a single one is called by its format.
  struct Source {
    let name: String
    let weight: Double
    let section: DataSection
    /// Dotted path of the section, as `data` or `data.sources.0`.
    let path: String
    var options: PDEDataOptions
  }

  var sources: [Source]
  let batchSize: Int

  /// Decodes; what is wrong or not offered goes to `diagnostics`, and then nil is returned.
  init?(_ recipe: Recipe, _ diagnostics: Diagnostics) {
    let before = diagnostics.errors.count
    var sources: [Source] = []
    if recipe.sources.isEmpty {
      Self.append(
        to: &sources, name: recipe.data.format.name, weight: 1, recipe.data, "data", diagnostics)
    }
    for (index, source) in recipe.sources.enumerated() {
      Self.append(
        to: &sources, name: source.name, weight: source.weight, source.data,
        "data.sources.\(index)", diagnostics)
    }
    guard diagnostics.errors.count == before, let first = sources.first else { return nil }
    for other in sources where other.options.inputFrames != first.options.inputFrames {
      diagnostics.error(
        .rule("sources differ in n_steps_input", mend: "give all the same"),
        at: other.section.format.location, path: other.path)
    }
    self.sources = sources
    batchSize = first.section.batchSize
  }

  private static func append(
    to sources: inout [Source], name: String, weight: Double, _ section: DataSection,
    _ path: String, _ diagnostics: Diagnostics
  ) {
    refuseUnoffered(section, path, diagnostics)
    guard let options = options(section, path, diagnostics) else { return }
    sources.append(
      Source(name: name, weight: weight, section: section, path: path, options: options))
  }

  private static func options(
    _ section: DataSection, _ path: String, _ diagnostics: Diagnostics
  ) -> PDEDataOptions? {
    let component = section.format
    guard let format = trajectoryFormats.entry(for: component, diagnostics) else { return nil }
    _ = OptionReader(component, format.options, diagnostics)
    guard let split = splitPlan(section.split, diagnostics) else { return nil }
    var options = PDEDataOptions(format: format, root: section.root, split: split)
    options.inputFrames = section.inputSteps
    options.windowStride = section.windowStride
    options.reducedBatch = section.reducedBatch
    options.thinning = Thinning(
      space: section.reducedResolution, time: section.reducedTimeResolution)
    options.cache = section.cache == .memory ? .memory : .automatic
    if section.inputs.count > 1 {
      diagnostics.error(
        .rule("\(component.name) has one input, state", mend: "name only inputs.state"),
        at: component.location, path: path + ".inputs")
    }
    if let input = section.inputs.first { apply(input, to: &options, path, diagnostics) }
    return options
  }

  private static func apply(
    _ input: InputSection, to options: inout PDEDataOptions, _ path: String,
    _ diagnostics: Diagnostics
  ) {
    _ = OptionReader(input.selections, [], diagnostics)
    let field = "\(path).inputs.\(input.name)"
    func refuse(_ what: String, _ key: String, _ mend: String) {
      diagnostics.error(.rule(what, mend: mend), at: input.location, path: "\(field).\(key)")
    }
    if input.name != "state" {
      refuse("PDE readers call their input state", "", "rename it")
    }
    switch input.source {
    case .files(let pattern): options.files = pattern
    case .component: refuse("PDE formats have no components", "component", "use path")
    case nil: break
    }
    options.variable = input.variable
    options.fields = input.fields?.map {
      FieldRequest($0.name, components: $0.components.isEmpty ? nil : $0.components)
    }
    let normalization = input.normalization ?? .zscore
    if let known = FieldNormalization(rawValue: normalization.rawValue) {
      options.normalization = known
    } else {
      refuse(
        "normalize: \(normalization.rawValue) is not for fields", "normalize",
        "use zscore, per-trajectory, per-window or none")
    }
    switch input.statistics {
    case .auto: break
    case .values(let means, let stds):
      options.statistics = .init(means: means, stds: stds)
    case .file: refuse("statistics from a file are not offered", "stats", "write means and stds")
    }
    if input.scale != 1 || input.offset != 0 || input.noData != nil || input.reduction != nil
      || input.bands != nil
    {
      refuse(
        "scale, offset, no_data, reduce and bands are not for fields", "", "leave them out")
    }
  }

  /// Fields that this version cannot execute are refused, never ignored.
  private static func refuseUnoffered(
    _ section: DataSection, _ path: String, _ diagnostics: Diagnostics
  ) {
    let fields: [(key: String, isSet: Bool)] = [
      ("patch", section.patch != nil), ("degrade", section.degradation != nil),
      ("transforms", !section.transforms.isEmpty), ("sampler", section.sampler == .balanced),
      ("cache", section.cache == .disk), ("on_bad", section.onBadSample == .skip),
      ("n_steps_output", section.outputSteps != 1),
    ]
    for field in fields where field.isSet {
      diagnostics.error(
        .rule("not offered for PDE data by this version", mend: "leave it out"),
        at: section.format.location, path: "\(path).\(field.key)")
    }
  }
}

/// Options of the split methods for trajectories.
private let trajectorySplit: OptionTable = [
  Option(
    "fractions", .list(.number, count: 3...3), default: .absent, range: .within(0...1),
    "Shares of train, val, test."),
  Option(
    "counts", .list(.integer, count: 3...3), default: .absent, range: .atLeast(0),
    "Numbers of train, val, test."),
  Option(
    "generator", .oneOf(TrajectorySplit.Generator.allCases.map(\.rawValue)), default: "attune",
    "Where the permutation comes from."),
]
private let fileSplit: OptionTable = [
  Option("train", .text, default: .required, "Folder or files of the training part."),
  Option("val", .either([.number, .text]), default: .absent, "Files, or a share of train."),
  Option("test", .text, default: .absent, "Folder or files of the test part."),
]

private func splitPlan(_ section: SplitSection, _ diagnostics: Diagnostics) -> SplitPlan? {
  let component = section.method
  var limits: [SplitPart: TrajectorySplit.Limit] = [:]
  for (name, limit) in section.limits {
    guard let part = SplitPart(rawValue: name) else { continue }
    switch limit {
    case .count(let count): limits[part] = .count(count)
    case .share(let share): limits[part] = .share(share)
    }
  }
  let seed = UInt64(section.seed)
  switch component.name {
  case "trajectory":
    let reader = OptionReader(component, trajectorySplit, diagnostics)
    let (fractions, counts) = (reader.numbers("fractions"), reader.ints("counts"))
    guard fractions.isEmpty != counts.isEmpty else {
      diagnostics.error(
        .rule("a trajectory split needs fractions or counts", mend: "give one of them"),
        at: component.location, path: component.path)
      return nil
    }
    return .trajectories(
      TrajectorySplit(
        counts.isEmpty ? .fractions(fractions) : .counts(counts), seed: seed,
        generator: TrajectorySplit.Generator(rawValue: reader.text("generator")) ?? .attune,
        limits: limits))
  case "files":
    let reader = OptionReader(component, fileSplit, diagnostics)
    let validation: FileSplit.Validation? =
      reader.optionalNumber("val").map { .shareOfTrain($0) }
      ?? reader.optionalText("val").map { .files($0) }
    return .files(
      FileSplit(
        train: reader.text("train"), validation: validation, test: reader.optionalText("test"),
        seed: seed, limits: limits))
  default:
    diagnostics.error(
      .unknownName(
        kind: "split method for PDE data", name: component.name, known: ["files", "trajectory"]),
      at: component.location, path: component.path)
    return nil
  }
}
