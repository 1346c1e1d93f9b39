package import Checkpoints
package import Formats
package import Layers
import Tensors

/// An adapter in PEFT's layout before it is written: fields, and values by name.
package struct PEFTAdapter {
  package var configuration: JSONObject
  /// Values of modules, without PEFT's prefix, under the names of the file's program.
  package var values: [StoredValue]
  /// Values that all modules share, by their names alone.
  package var shared: [StoredValue]
}

/// An adapter on disk: PEFT's layout, with `attune.json` for what PEFT has no key for.
extension AttachedAdapter {
  /// The modules of a file with the targets that lie on each, in order of attachment.
  func modules(by names: ModuleNames) throws(AdapterError) -> [(
    file: ModuleNames.Module, group: SiteModules
  )] {
    var groups: [(file: ModuleNames.Module, group: SiteModules)] = []
    for module in modules {
      let site = module.target.site
      guard let file = names.module(of: site, rows: module.target.rows) else {
        throw .unsupported(
          module: module.target.path(to: "").trimmingDot, method: settings.method,
          reason: "the other program has no module for these rows")
      }
      if let index = groups.firstIndex(where: { $0.file.name == file.name }) {
        groups[index].group.modules.append(module)
      } else {
        groups.append((file, SiteModules(site: site, rows: file.rows, modules: [module])))
      }
    }
    return groups
  }

  /// Modules of one site: the whole weight, or its slices in order of attachment.
  package var modulesBySite: [SiteModules] {
    var groups: [SiteModules] = []
    for module in modules {
      if let index = groups.firstIndex(where: { $0.site === module.target.site }) {
        groups[index].modules.append(module)
      } else {
        groups.append(SiteModules(site: module.target.site, modules: [module]))
      }
    }
    return groups
  }

  /// All values of the adapter under the names of a program's modules.
  ///
  /// `isExported` asks for the form that is written, else for the values as they are trained.
  package func record(
    _ names: ModuleNames, isExported: Bool = false
  ) throws(AdapterError) -> PEFTAdapter {
    guard let method else {
      return PEFTAdapter(configuration: JSONObject(), values: [], shared: [])
    }
    var record = PEFTAdapter(
      configuration: try method.configuration(self), values: [], shared: [])
    for (file, group) in try modules(by: names) {
      for value in try isExported ? method.exported(group) : method.stored(group) {
        record.values.append(StoredValue(fileName(value.name, file, group), value.tensor))
      }
    }
    for value in blocks.flatMap({ $0.branches.flatMap { $0.branch.parameters + $0.branch.buffers } }
    )
    .uniqued() where !SharedValues.isShared(value.path) {
      record.values.append(StoredValue(unscoped(value.path), value.value))
    }
    for parameter in replaced {
      let key = names.keys(of: parameter.path)[0]
      record.values.append(StoredValue(Self.replacedName(key), parameter.value))
    }
    record.shared = shared.compactMap { value in
      SharedValues.name(value.path).map { StoredValue($0, value.value) }
    }
    return record
  }

  /// Writes the adapter as a directory, as a whole or not at all.
  ///
  /// - Parameters:
  ///   - path: the directory's.
  ///   - base: name or path of the base weights, nil for random ones.
  ///   - baseDigest: SHA-256 of the base weights.
  ///   - tree: of the model that it stands on.
  ///   - modules: what PEFT's rules need; nil writes an adapter for this program, which finds its
  ///     targets in `attune.json`.
  ///   - extras: further fields of `attune.json`.
  /// - Throws: `AdapterError.unsupported` for what PEFT's layout cannot say, and errors of files.
  package func save(
    to path: String, base: String?, baseDigest: String, on tree: ModuleTree,
    modules: PortableModules? = nil, extras: JSONObject = JSONObject()
  ) throws {
    guard let method else { return }
    let type = type(of: method)
    var record = try record(modules?.names ?? ModuleNames(tree), isExported: true)
    let adapted = Set(modulesBySite.map(\.site.path))
    record.values += saved.map { StoredValue(savedName($0.path, adapted), $0.value) }
    let savedPaths = savedModulePaths
    record.configuration["target_modules"] = .array(
      (modulesBySite.map(\.site.path) + blocks.map(\.target.site.path) + replacedModules)
        .map { .string($0) })
    record.configuration["modules_to_save"] =
      savedPaths.isEmpty ? .null : .array(savedPaths.map { .string($0) })
    record = modules?.applied(to: record, saved: saved.count) ?? record
    record.configuration["peft_type"] = .string(peftType)
    for key in ["task_type", "revision", "auto_mapping"] { record.configuration[key] = .null }
    record.configuration["base_model_name_or_path"] = base.map { .string($0) } ?? .null
    record.configuration["peft_version"] = .string("0.21.2")
    record.configuration["inference_mode"] = .bool(true)
    if !type.absentFields.contains("bias") || settings.bias != .none {
      record.configuration["bias"] = .string(
        settings.bias == .adapted ? type.biasName : settings.bias.rawValue)
    }
    if !type.absentFields.contains("exclude_modules") {
      record.configuration["exclude_modules"] = .null
    }
    var own = extras
    own["format"] = "attune-adapter/1"
    own["base_digest"] = .string(baseDigest)
    own["method"] = .string(settings.method)
    own["targets"] = .array(
      self.modules.map { module in
        .object([
          "module": .string(module.target.site.path),
          "rows": .array([
            .integer(module.target.rows.lowerBound), .integer(module.target.rows.upperBound),
          ]),
          "r": .integer(module.target.rank), "alpha": .number(module.target.alpha),
        ])
      })
    try PEFTDirectory.write(
      to: path, configuration: record.configuration,
      tensors: record.values.map { (PEFTDirectory.key($0.name), $0.tensor) }
        + record.shared.map { (PEFTDirectory.key(shared: $0.name), $0.tensor) },
      extras: own, card: PEFTDirectory.card(baseModel: base, method: settings.method))
  }

  /// Gives the adapter the values of a directory.
  ///
  /// - Parameters:
  ///   - directory: in PEFT's layout.
  ///   - baseDigest: of this model's base weights; another one in the file is refused. Nil accepts
  ///     any base.
  ///   - names: modules of the program that wrote the file.
  ///   - isOfTask: whether a parameter belongs to a head, which may differ from the file's.
  /// - Returns: paths of parameters of the head that the file has no fitting value for.
  /// - Throws: `AdapterError` for missing, surplus or misshapen tensors and for a foreign base.
  @discardableResult
  package func load(
    from directory: PEFTDirectory, baseDigest: String?, names: ModuleNames,
    isOfTask: (String) -> Bool = { _ in false }
  ) throws -> [String] {
    guard let method else { return [] }
    if let expected = directory.extras?["base_digest"]?.string, let baseDigest,
      expected != baseDigest
    {
      throw AdapterError.foreignBase(expected: expected, found: baseDigest, path: directory.path)
    }
    var asked = Set<String>()
    func read(_ key: String) throws -> Tensor {
      asked.insert(key)
      return try directory.weights.tensor(key)
    }
    var values: [String: Tensor] = [:]
    for (file, group) in try modules(by: names) {
      values.merge(
        try method.restored(group) { try read(PEFTDirectory.key(fileName($0, file, group))) }
      ) { $1 }
    }
    let regenerated = type(of: method).regenerated
    for parameter in shared {
      guard let name = SharedValues.name(parameter.path) else { continue }
      let key = PEFTDirectory.key(shared: name)
      if !directory.weights.names.contains(key), regenerated.contains(name) { continue }
      values[parameter.path] = try read(key)
    }
    for branch in blocks.flatMap({ $0.branches.map(\.branch) }) {
      for parameter in branch.parameters + branch.buffers
      where !SharedValues.isShared(parameter.path) {
        values[parameter.path] = try read(PEFTDirectory.key(unscoped(parameter.path)))
      }
    }
    for parameter in replaced {
      let key = names.keys(of: parameter.path)[0]
      values[parameter.path] = try read(PEFTDirectory.key(Self.replacedName(key)))
    }
    let adapted = Set(modulesBySite.map(\.site.path))
    var left: [String] = []
    for parameter in saved {
      if isOfTask(parameter.path) {
        let key = PEFTDirectory.key(names.keys(of: parameter.path)[0])
        guard directory.weights.entry(key)?.shape == parameter.shape else {
          left.append(parameter.path)
          continue
        }
      }
      values[parameter.path] = try savedValue(parameter, adapted, names, read)
    }
    let surplus = directory.weights.names.filter { key in
      !asked.contains(key) && !method.ignores(key) && !OpenedAdapter.isCopy(key)
        && !isOfTask(PEFTDirectory.modulePath(ofKey: key) ?? "")
    }
    if !surplus.isEmpty {
      throw AdapterError.unexpectedTensors(path: directory.path, keys: surplus)
    }
    for parameter in parameters + buffers + saved + replaced {
      guard let value = values[parameter.path] else {
        if parameter.isBuffer && parameter.isSet || left.contains(parameter.path) { continue }
        throw AdapterError.missingTensors(path: directory.path, keys: [parameter.path])
      }
      guard value.elementCount == parameter.elementCount else {
        throw AdapterError.wrongShape(
          path: directory.path, key: parameter.path, expected: parameter.shape,
          found: value.shape)
      }
      guard let typed = value.typed(as: parameter.dtype) else {
        throw AdapterError.malformed(
          path: directory.path,
          reason: "\(parameter.path) holds \(value.dtype), expected \(parameter.dtype)")
      }
      parameter.value = typed.reshaped(to: parameter.shape).copied()
    }
    return left
  }

  /// A base value of the file: whole, or put together from the parts that the program has.
  private func savedValue(
    _ parameter: Parameter, _ adapted: Set<String>, _ names: ModuleNames,
    _ read: (String) throws -> Tensor
  ) throws -> Tensor {
    let parts = try names.keys(of: parameter.path).map { key in
      let isAdapted = adapted.contains(parent(of: parameter.path))
      return try read(
        PEFTDirectory.key(isAdapted ? Self.baseLayer(key) : key))
    }
    return parts.count == 1 ? parts[0] : Tensor.concatenated(parts, axis: 0)
  }

  /// A value's name in a file: below the file's module instead of ours.
  private func fileName(
    _ name: String, _ file: ModuleNames.Module, _ group: SiteModules
  ) -> String {
    let own = unscoped(name)
    if let whole = group.whole {
      let prefix = unscoped(whole.target.path(to: ""))
      if own.hasPrefix(prefix) { return file.name + "." + own.dropFirst(prefix.count) }
    }
    let path = group.site.path
    return own.hasPrefix(path) ? file.name + own.dropFirst(path.count) : own
  }

  /// A path without the adapter's scope.
  private func unscoped(_ path: String) -> String {
    let prefix = settings.name + "/"
    return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
  }

  /// Modules whose parameters are all saved in full; a lone parameter stands for itself.
  private var savedModulePaths: [String] {
    var paths: [String] = []
    for parameter in saved where settings.bias == .none || !parameter.path.hasSuffix(".bias") {
      let parts = parameter.path.split(separator: ".")
      let isLayer = parts.last == "weight" || parts.last == "bias"
      let path = isLayer ? parts.dropLast().joined(separator: ".") : parameter.path
      if !paths.contains(path) { paths.append(path) }
    }
    return paths
  }

  /// In an adapted layer PEFT calls the base's bias `base_layer.bias`.
  private func savedName(_ path: String, _ adapted: Set<String>) -> String {
    adapted.contains(parent(of: path)) ? Self.baseLayer(path) : path
  }

  package static func baseLayer(_ key: String) -> String { inserting(".base_layer", into: key) }

  /// In a module whose values a method replaces, PEFT calls the new ones so.
  package static func replacedName(_ key: String) -> String {
    inserting(".ln_tuning_layers", into: key)
  }

  private static func inserting(_ part: String, into key: String) -> String {
    guard let dot = key.lastIndex(of: ".") else { return key }
    return key[..<dot] + part + key[dot...]
  }

  /// Modules whose values the method replaces.
  var replacedModules: [String] {
    replaced.map { parent(of: $0.path) }.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }
}

extension PEFTDirectory {
  /// The key of a full name below the base model.
  static func key(_ name: String) -> String {
    String(key(module: name, parameter: "").dropLast())
  }
}

extension String {
  fileprivate var trimmingDot: String { hasSuffix(".") ? String(dropLast()) : self }
}

extension Tensor {
  /// The values in another type, between floating-point types and between integers alone.
  fileprivate func typed(as wanted: DType) -> Tensor? {
    if dtype == wanted { return self }
    let isInteger = { (type: DType) in [.i32, .i64, .u8].contains(type) }
    switch wanted {
    case .i32 where isInteger(dtype):
      return Tensor(integers.map { Int32(clamping: $0) }, shape: shape)
    case .i64 where isInteger(dtype): return Tensor(integers.map { Int64($0) }, shape: shape)
    default: return isInteger(dtype) || isInteger(wanted) ? nil : cast(to: wanted)
    }
  }
}
