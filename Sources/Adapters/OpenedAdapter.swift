package import Checkpoints
import Formats
package import Layers
package import Recipes
import Tensors

/// A directory whose method is known.
package struct OpenedAdapter {
  package let directory: PEFTDirectory
  package let type: any AdapterMethod.Type
  package let method: any AdapterMethod
  /// Keys of modules, without PEFT's prefix.
  private let keys: [String]

  /// - Throws: for a method that is not among `methods`, and options that are not offered.
  package init(_ directory: PEFTDirectory, _ methods: Registry<any AdapterMethod.Type>) throws {
    self.directory = directory
    let found = methods.entries.filter { $0.peftType == directory.method }
    let own = directory.extras?["method"]?.string
    guard let type = found.first(where: { $0.name == own }) ?? found.first else {
      throw CheckpointError.unknownMethod(
        path: directory.path + "/" + PEFTDirectory.configurationName, name: directory.method,
        known: methods.entries.map { $0.peftType })
    }
    self.type = type
    method = try Self.method(type, directory)
    keys = directory.weights.names.compactMap { PEFTDirectory.modulePath(ofKey: $0) }
      .filter { !Self.isCopy($0) }
  }

  /// Attaches the adapter, under whatever module names it was written.
  ///
  /// - Parameters:
  ///   - name: the adapter's.
  ///   - tree: the model's, with its base weights.
  ///   - layouts: the names that programs give to the model's parameters.
  ///   - baseDigest: of this model's base weights; nil accepts any base.
  ///   - isFirst: whether no other adapter of the model came before.
  ///   - isBanked: whether it becomes one of a bank, used where it is asked for by name.
  /// - Returns: the adapter with the file's values.
  /// - Throws: `AdapterError` and `CheckpointError` for modules that the model lacks, missing, surplus
  ///   and misshapen tensors, and a foreign base.
  package func attach(
    named name: String, on tree: ModuleTree, layouts: [KeyLayout], baseDigest: String?,
    isFirst: Bool = true, isBanked: Bool = false
  ) throws -> AttachedAdapter {
    let names = try names(tree, layouts)
    var settings = AdapterSettings(name: name, method: type.name)
    let bias = directory.configuration["bias"]?.string ?? "none"
    settings.bias = bias == "all" ? .all : bias == "none" ? .none : .adapted
    let scope = isFirst ? "" : name + "/"
    if isBanked, type.capabilities.contains(.blocks) {
      throw AdapterError.unsupported(
        module: directory.path, method: type.name,
        reason: "a bank holds adapters of weights, not of the streams of blocks")
    }
    let isOnBlocks = type.capabilities.contains(.blocks)
    let adapter = try AttachedAdapter(
      settings, method: method,
      targets: isOnBlocks ? [] : try prepared(targets(names, scope: scope)),
      blocks: isOnBlocks ? blocks(tree, scope: scope) : [], saved: saved(tree, names),
      replaced: replaced(tree, names), seed: 0, scope: scope, isBanked: isBanked)
    try adapter.load(from: directory, baseDigest: baseDigest, names: names)
    return adapter
  }

  /// Where the method's options of a recipe depart from the file's: name, the recipe's value, the file's.
  ///
  /// Dropout and the method's `trainingOptions` may differ, since they are of training alone.
  func differences(_ options: OptionReader) -> [(name: String, given: String, stored: String)] {
    let stored = (try? type.options(directory.configuration)) ?? []
    return stored.compactMap { field in
      guard !field.key.contains("dropout"), !type.trainingOptions.contains(field.key),
        type.options[field.key] != nil,
        let given = options.value(field.key)?.plain, !Self.isSame(given, field.value)
      else { return nil }
      return (field.key, given.json, field.value.json)
    }
  }

  private static func isSame(_ first: PlainValue, _ second: PlainValue) -> Bool {
    switch (first, second) {
    case (.integer(let a), .number(let b)), (.number(let b), .integer(let a)): Double(a) == b
    default: first == second
    }
  }

  /// The file's targets by module path and rows, with rank and scaling.
  func targets(_ names: ModuleNames) throws -> [AdapterTarget] { try targets(names, scope: "") }

  /// Targets with the first values that the configuration's initialization gives again.
  private func prepared(_ targets: [AdapterTarget]) throws -> [AdapterTarget] {
    let initialization: (any AdapterInitialization)?
    do throws(UnsupportedConfiguration) {
      initialization = try type.initialization(directory.configuration)
    } catch {
      throw AdapterError.unsupported(
        module: directory.path, method: type.name, reason: error.reason)
    }
    return try initialization?.prepared(targets, AdapterPreparation(seed: 0)) ?? targets
  }

  /// Copies that PEFT writes of a saved module's values when it saves all biases as well.
  static func isCopy(_ key: String) -> Bool {
    key.contains(".modules_to_save.") || key.contains(".original_module.")
  }

  /// The name that PEFT has in memory for a value of a saved module.
  package static func savedName(_ key: String) -> String {
    guard let dot = key.lastIndex(of: ".") else { return key }
    return key[..<dot] + ".modules_to_save" + key[dot...]
  }

  /// The method with the options of the configuration.
  private static func method(
    _ type: any AdapterMethod.Type, _ directory: PEFTDirectory
  ) throws -> any AdapterMethod {
    let path = directory.path + "/" + PEFTDirectory.configurationName
    let fields: [PlainValue.Field]
    do throws(UnsupportedConfiguration) {
      fields = try type.options(directory.configuration)
    } catch {
      throw AdapterError.unsupported(module: path, method: type.name, reason: error.reason)
    }
    let diagnostics = Diagnostics()
    let reader = OptionReader(
      Located(plain: .map(fields), at: SourceLocation(source: path)), type.options, diagnostics)
    let method = type.init(reader, diagnostics)
    try diagnostics.throwErrors()
    return method
  }

  /// The layout whose modules hold the most keys.
  package func names(_ tree: ModuleTree, _ layouts: [KeyLayout]) throws -> ModuleNames {
    let candidates =
      [ModuleNames(tree)]
      + layouts.filter { layout in
        tree.sites.allSatisfy { site in
          layout.parts(of: site.weight.path).allSatisfy { $0.arranged == nil && !$0.isAdded }
        }
      }.map { layout in ModuleNames(tree) { layout.parts(of: $0).map(\.key) } }
    func strangers(_ names: ModuleNames) -> [String] {
      let known = Set(tree.stored.flatMap { names.keys(of: $0.path) })
      return keys.filter {
        !known.contains(base($0)) && names.module(holding: $0) == nil && !isOfBlock($0, tree)
      }
    }
    let counted = candidates.map { ($0, strangers($0)) }
    let best = counted.min { $0.1.count < $1.1.count }
    // Own files list their targets; values may bear names beside a module's, and loading refuses
    // strays.
    let listsTargets = directory.extras?["targets"] != nil
    guard let best, best.1.isEmpty || listsTargets else {
      throw AdapterError.unexpectedTensors(path: directory.path, keys: best?.1 ?? keys)
    }
    return best.0
  }

  /// The key of the base value that a saved one replaces.
  private func base(_ key: String) -> String {
    key.replacing(".base_layer.", with: ".").replacing(".ln_tuning_layers.", with: ".")
  }

  private func isOfBlock(_ key: String, _ tree: ModuleTree) -> Bool {
    type.capabilities.contains(.blocks) && tree.blocks.contains { key.hasPrefix($0.path + ".") }
  }

  /// Base parameters that the file holds in full.
  private func saved(_ tree: ModuleTree, _ names: ModuleNames) -> [Parameter] {
    let own = Set(replaced(tree, names).map(\.path))
    let held = Set(keys.map(base))
    return tree.stored.filter { parameter in
      !own.contains(parameter.path)
        && names.keys(of: parameter.path).contains { held.contains($0) }
    }
  }

  /// Base parameters that the method trains.
  private func replaced(_ tree: ModuleTree, _ names: ModuleNames) -> [Parameter] {
    guard type.capabilities.contains(.modules) else { return [] }
    let held = Set(keys)
    return tree.parameters.filter { parameter in
      held.contains(AttachedAdapter.replacedName(names.keys(of: parameter.path)[0]))
    }
  }

  /// Shapes of the file's values below a module, or below a slice of it.
  private func shapes(_ module: ModuleNames.Module?, rows: Range<Int>) -> [String: [Int]] {
    guard let module else { return [:] }
    let slice = module.rows == rows ? "" : "[\(rows.lowerBound):\(rows.upperBound)]"
    let prefix = PEFTDirectory.key(module: module.name + slice, parameter: "")
    var shapes: [String: [Int]] = [:]
    for key in directory.weights.names where key.hasPrefix(prefix) {
      shapes[String(key.dropFirst(prefix.count))] = directory.weights.entry(key)?.shape
    }
    return shapes
  }

  /// Paths of base parameters that the file holds in full.
  package func savedKeys(_ tree: ModuleTree, layouts: [KeyLayout]) -> [String] {
    (try? names(tree, layouts)).map { saved(tree, $0).map(\.path) } ?? []
  }

  private func blocks(_ tree: ModuleTree, scope: String) -> [BlockTarget] {
    tree.blocks.filter { block in keys.contains { $0.hasPrefix(block.path + ".") } }
      .map { BlockTarget(site: $0, scope: scope) }
  }

  /// The adapted weights: those that `attune.json` lists, else those that the file has values for,
  /// which must be the ones that PEFT would adapt.
  private func targets(_ names: ModuleNames, scope: String) throws -> [AdapterTarget] {
    if let listed = directory.extras?["targets"]?.array {
      return try listed.map { try target($0.object, names, scope) }
    }
    let rules = PEFTTargets(directory)
    var targets: [AdapterTarget] = []
    var missing: [String] = []
    let saved = Set(names.modules.flatMap { names.keys(of: $0.site.weight.path) })
    for module in names.modules {
      let isHeld = keys.contains {
        $0.hasPrefix(module.name + ".") && !saved.contains($0) && base($0) == $0
          && $0 != module.name + ".bias"
      }
      let isAsked = try rules.take(
        module.name, isLinear: module.site.kind == .linear,
        isHead: module.name == "classifier")
      if isAsked, !isHeld, type.hasValues { missing.append(module.name) }
      guard isHeld || isAsked && !type.hasValues else { continue }
      targets.append(try target(module, scope))
    }
    if !missing.isEmpty {
      throw AdapterError.missingTensors(path: directory.path, keys: missing)
    }
    return targets
  }

  private func target(_ module: ModuleNames.Module, _ scope: String) throws -> AdapterTarget {
    func value(_ fields: [String], _ patterns: String) throws -> Double? {
      for field in fields {
        if let value = try directory.value(of: field, patterns: patterns, module: module.name)?
          .number
        {
          return value
        }
      }
      return nil
    }
    let rank = try value(["r"], "rank_pattern").map { Int($0) } ?? method.lowRank?.rank ?? 0
    return AdapterTarget(
      site: module.site, rows: module.rows, rank: rank,
      alpha: try value(["lora_alpha", "alpha"], "alpha_pattern") ?? method.lowRank?.alpha
        ?? Double(rank),
      usesRankStabilizedScaling: method.lowRank?.usesRankStabilizedScaling ?? false,
      dropout: method.lowRank?.dropout ?? 0, scope: scope, stored: shapes(module, rows: module.rows)
    )
  }

  private func target(
    _ entry: JSONObject?, _ names: ModuleNames, _ scope: String
  ) throws -> AdapterTarget {
    let bounds = (entry?["rows"]?.array ?? []).compactMap(\.integer)
    guard let path = entry?["module"]?.string, bounds.count == 2, 0 <= bounds[0],
      bounds[0] < bounds[1],
      let site = names.modules.first(where: { $0.site.path == path })?.site,
      bounds[1] <= site.outputs
    else {
      throw AdapterError.malformed(
        path: directory.path + "/" + PEFTDirectory.extrasName,
        reason: "it names a target that this model does not have: \(entry?["module"]?.string ?? "")"
      )
    }
    let rank = entry?["r"]?.integer ?? 0
    return AdapterTarget(
      site: site, rows: bounds[0]..<bounds[1], rank: rank,
      alpha: entry?["alpha"]?.number ?? Double(rank),
      usesRankStabilizedScaling: method.lowRank?.usesRankStabilizedScaling ?? false,
      dropout: method.lowRank?.dropout ?? 0, scope: scope,
      stored: shapes(
        names.module(of: site, rows: bounds[0]..<bounds[1]), rows: bounds[0]..<bounds[1]))
  }
}
