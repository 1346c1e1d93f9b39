import Adapters
import Checkpoints
import Layers
import Recipes

/// One entry of a recipe's `adapter` section after decoding.
struct AdapterPlan {
  let settings: AdapterSettings
  /// Nil for `none`.
  let method: (any AdapterMethod)?
  /// Folder of the saved adapter that training starts from.
  private let start: String?
  private let options: OptionReader
  /// Whether the formula of a component is unverified.
  let isExperimental: Bool

  /// Decodes an entry; all that is wrong goes to `diagnostics`, and then nil is returned.
  init?(_ entry: AdapterEntry, _ registries: Registries, _ diagnostics: Diagnostics) {
    let before = diagnostics.errors.count
    var settings = Self.settings(entry, diagnostics)
    let type = Self.method(entry, registries, diagnostics)
    let reader = OptionReader(entry.method, type?.options ?? [], diagnostics)
    options = reader
    method = type.map { $0.init(reader, diagnostics) }
    settings.initialization = Self.initialization(entry, type, registries, diagnostics)
    func refuseBase(_ component: Component, _ field: String) {
      guard type == nil, entry.method.name == "none" else { return }
      diagnostics.error(
        .rule("\(component.name) is for adapters", mend: "leave \(field) out"),
        at: component.location, path: component.path)
    }
    if let component = entry.schedule,
      let found = registries.adapterSchedules.reading(component, diagnostics)
    {
      settings.schedule = found.entry.init(found.reader, diagnostics)
      refuseBase(component, "schedule")
    }
    if let component = entry.optimizer,
      let found = registries.adapterOptimizers.reading(component, diagnostics)
    {
      settings.optimizer = found.entry.init(found.reader, diagnostics)
      refuseBase(component, "optimizer")
    }
    start = entry.startsFrom
    Self.checkStart(entry, settings, diagnostics)
    isExperimental =
      type?.isExperimental ?? false
      || settings.initialization.map { Swift.type(of: $0).isExperimental } ?? false
      || settings.schedule.map { Swift.type(of: $0).isExperimental } ?? false
      || settings.optimizer.map { Swift.type(of: $0).isExperimental } ?? false
    self.settings = settings
    guard diagnostics.errors.count == before else { return nil }
  }

  /// What finds the first values: the recipe's `init`, else the method's own way.
  var initialization: (any AdapterInitialization)? {
    settings.initialization ?? method?.ownInitialization
  }

  /// Whether first values or ranks are found from data.
  var looksAtData: Bool { initialization.map { type(of: $0).needs == .data } ?? false }

  /// Gives an attached adapter the values of the saved one that the entry names, if it names one, and
  /// refuses a base that files of the method do not belong to.
  ///
  /// - Returns: paths of values of the head that the file has nothing fitting for.
  func start(
    _ adapter: AttachedAdapter, _ methods: Registry<any AdapterMethod.Type>, on tree: ModuleTree,
    network: Network, baseDigest: String
  ) throws -> [String] {
    try method?.checkBase(baseDigest)
    guard let start else { return [] }
    return try adapter.start(
      from: PEFTDirectory(reading: start, accepting: methods.entries.map { $0.peftType }), methods,
      options: options, on: tree, layouts: network.layouts, baseDigest: baseDigest,
      isOfTask: network.isOfTask)
  }

  private static func settings(
    _ entry: AdapterEntry, _ diagnostics: Diagnostics
  ) -> AdapterSettings {
    var settings = AdapterSettings(name: entry.name, method: entry.method.name)
    func patterns(_ texts: [String], _ field: String) -> [Pattern] {
      texts.compactMap { pattern($0, field) }
    }
    func pattern(_ text: String, _ field: String) -> Pattern? {
      do {
        return try Pattern(text)
      } catch {
        diagnostics.error(
          .rule(error.description, mend: "see the rules of patterns"),
          at: entry.method.location, path: entry.method.path + "." + field)
        return nil
      }
    }
    settings.targets = patterns(entry.targetModules ?? [], "target_modules")
    settings.positions = entry.positions.map { patterns($0, "at") }
    settings.excluded = patterns(entry.excludeModules, "exclude_modules")
    settings.modulesToSave = patterns(entry.modulesToSave, "modules_to_save")
    settings.bias = AdapterSettings.Bias(rawValue: entry.bias.rawValue) ?? .none
    settings.layers = entry.layersToTransform
    settings.rankPattern = entry.rankPattern.compactMap { item in
      pattern(item.pattern, "rank_pattern").map { ($0, item.rank) }
    }
    settings.alphaPattern = entry.alphaPattern.compactMap { item in
      pattern(item.pattern, "alpha_pattern").map { ($0, item.alpha) }
    }
    return settings
  }

  private static func method(
    _ entry: AdapterEntry, _ registries: Registries, _ diagnostics: Diagnostics
  ) -> (any AdapterMethod.Type)? {
    guard entry.method.name != "none",
      let type = registries.adapterMethods.entry(for: entry.method, diagnostics)
    else { return nil }
    if entry.positions != nil, !type.capabilities.contains(.blocks) {
      diagnostics.error(
        .rule("\(type.name) acts on weights, not on blocks", mend: "use target_modules"),
        at: entry.method.location, path: entry.method.path + ".at")
    }
    return type
  }

  /// How first values and ranks are found; nil for the method's own.
  private static func initialization(
    _ entry: AdapterEntry, _ method: (any AdapterMethod.Type)?, _ registries: Registries,
    _ diagnostics: Diagnostics
  ) -> (any AdapterInitialization)? {
    guard let component = entry.initialization, component.name != DefaultStart.name,
      let found = registries.adapterInitializations.reading(component, diagnostics)
    else { return nil }
    guard method?.capabilities.contains(.startable) == true else {
      diagnostics.error(
        .rule(
          "\(entry.method.name) finds its first values itself", mend: "leave init out"),
        at: component.location, path: component.path)
      return nil
    }
    return found.entry.init(found.reader, diagnostics)
  }

  /// Refuses a saved adapter where none can be read, or where ranks come from data.
  private static func checkStart(
    _ entry: AdapterEntry, _ settings: AdapterSettings, _ diagnostics: Diagnostics
  ) {
    guard entry.startsFrom != nil else { return }
    if entry.method.name == "none" {
      diagnostics.error(
        .rule(
          "method none has no adapter's file", mend: "name the trained weights in model.weights"),
        at: entry.method.location, path: entry.method.path + ".from")
    }
    if let start = settings.initialization, type(of: start).needs == .data {
      diagnostics.error(
        .rule(
          "\(type(of: start).name) finds ranks anew, and from has them already",
          mend: "leave one of them out, and give the file's ranks in rank_pattern"),
        at: entry.method.location, path: entry.method.path + ".from")
    }
  }
}
