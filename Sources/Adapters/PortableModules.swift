import Checkpoints
import Formats
package import Layers
import Tensors

/// What an adapter directory says of the base model's modules so that PEFT's rules
/// (PEFT 0.21.2: `check_target_module_exists`, `ModulesToSaveWrapper`) pick what was trained and
/// nothing else.
package struct PortableModules: Sendable {
  /// The base program's modules.
  package let names: ModuleNames
  private let targets: JSONValue
  private let saved: [String]
  /// All parameters of the saved modules, frozen ones too, and trained biases, under PEFT's names.
  private let parameters: [(name: String, parameter: Parameter)]

  /// - Parameters:
  ///   - adapter: what was trained.
  ///   - tree: of the model that it stands on.
  ///   - key: name of a parameter in the base program, whose modules PEFT sees.
  /// - Throws: `AdapterError.unsupported` for what PEFT would ignore or compute differently.
  package init(
    _ adapter: AttachedAdapter, on tree: ModuleTree, key: (_ path: String) -> String
  ) throws(AdapterError) {
    let method = adapter.settings.method
    func refuse(_ module: String, _ reason: String) -> AdapterError {
      .unsupported(module: module, method: method, reason: reason)
    }
    guard PEFTMethods.vision.contains(adapter.peftType) else {
      throw refuse("adapter \(adapter.settings.name)", "PEFT has no such method")
    }
    if let type = adapter.method.map({ type(of: $0) }) {
      try Self.check(adapter, type)
    }
    let sites = adapter.modulesBySite.map(\.site)
    for site in sites {
      if case .convolution(_, let geometry) = site.kind,
        geometry.dilation.contains(where: { $0 > 1 })
      {
        throw refuse(site.path, "PEFT leaves out the dilation of a convolution")
      }
    }
    let adapted = Set(sites.map(\.path))
    let replaced = Set(adapter.replaced.map(\.path))
    let trained = tree.parameters.filter { $0.isTrainable && !replaced.contains($0.path) }
    let isByBias = { (path: String) in
      switch adapter.settings.bias {
      case .none: false
      case .all: path.hasSuffix("bias")
      case .adapted: path.hasSuffix(".bias") && adapted.contains(parent(of: path))
      }
    }
    var modules: [String] = []
    for parameter in trained where !isByBias(parameter.path) {
      let module = parent(of: parameter.path)
      let hasParts = tree.parameters.contains {
        $0.path.hasPrefix(module + ".") && parent(of: $0.path) != module
      }
      guard !module.isEmpty, !hasParts else {
        throw refuse(parameter.path, "PEFT saves whole modules, and this parameter has none")
      }
      if adapted.contains(module) {
        throw refuse(module, "PEFT does not adapt a module that it also saves in full")
      }
      if !modules.contains(module) { modules.append(module) }
    }
    let own = modules
    parameters =
      tree.parameters.filter { own.contains(parent(of: $0.path)) }
      .map { (key($0.path), $0) }
      + trained.filter { isByBias($0.path) && !own.contains(parent(of: $0.path)) }
      .map { (Self.biasName(key($0.path), isAdapted: adapted.contains(parent(of: $0.path))), $0) }
    let all = Set(tree.parameters.flatMap { ancestors(of: key($0.path)) })
    names = ModuleNames(tree) { [key($0)] }
    let targeted =
      sites.map { parent(of: key($0.weight.path)) }
      + adapter.replacedModules.map { parent(of: key($0 + ".weight")) }
    saved = modules.map { parent(of: key($0 + ".weight")) }
    for entry in saved {
      let others = all.subtracting(saved).filter { $0.hasSuffix(entry) }.sorted()
      if let other = others.first {
        throw refuse(entry, "PEFT's modules_to_save would also take \(other)")
      }
      if let target = targeted.first(where: { ("." + $0 + ".").contains("." + entry + ".") }) {
        throw refuse(target, "PEFT does not adapt what lies in a saved module such as \(entry)")
      }
    }
    // The other program may have modules without values too, such as `blocks.0.attn.norm`.
    let isAmbiguous =
      targeted.contains { !$0.contains(".") }
      || all.subtracting(targeted).contains { module in
        targeted.contains { module.hasSuffix("." + $0) }
      }
    targets =
      isAmbiguous
      ? .string(targeted.map(escaped).joined(separator: "|"))
      : .array(targeted.map { .string($0) })
  }

  /// Refuses what PEFT's layout cannot say of this method.
  private static func check(
    _ adapter: AttachedAdapter, _ type: any AdapterMethod.Type
  ) throws(AdapterError) {
    func refuse(_ module: String, _ reason: String) -> AdapterError {
      .unsupported(module: module, method: adapter.settings.method, reason: reason)
    }
    if !type.capabilities.contains(.portable) {
      throw refuse(
        "adapter \(adapter.settings.name)",
        "PEFT would not compute the same from a file. Use --format timm or safetensors, which hold "
          + "the merged model")
    }
    if adapter.settings.bias != .none, type.absentFields.contains("bias") {
      throw refuse(
        "adapter \(adapter.settings.name)", "PEFT trains no biases beside this method (bias)")
    }
    for (target, _) in adapter.modules where !target.isWhole && !type.joinsRows {
      throw refuse(
        target.path(to: ""), "PEFT adapts whole weights with this method, not rows of one")
    }
  }

  /// A method's record with what PEFT's rules need, and the saved modules whole in place of the last
  /// `saved` values.
  func applied(to record: PEFTAdapter, saved count: Int) -> PEFTAdapter {
    var record = record
    record.values.removeLast(count)
    record.values += parameters.map { StoredValue($0.name, $0.parameter.value) }
    for (field, value) in record.configuration.entries where field.hasSuffix("_pattern") {
      guard let patterns = value.object else { continue }
      var renamed = JSONObject()
      for (pattern, value) in patterns.entries {
        let module = names.modules.first { exactPattern($0.site.path) == pattern }
        renamed[module.map { exactPattern($0.name) } ?? pattern] = value
      }
      record.configuration[field] = .object(renamed)
    }
    if let paths = record.configuration["feedforward_modules"]?.array {
      record.configuration["feedforward_modules"] = .array(
        paths.map { path in
          names.modules.first { $0.site.path == path.string }.map { .string($0.name) } ?? path
        })
    }
    record.configuration["target_modules"] = targets
    record.configuration["modules_to_save"] =
      saved.isEmpty ? .null : .array(saved.map { .string($0) })
    return record
  }

  /// In an adapted layer PEFT calls the base's bias `base_layer.bias`.
  private static func biasName(_ key: String, isAdapted: Bool) -> String {
    isAdapted ? parent(of: key) + ".base_layer.bias" : key
  }
}

/// All modules above a parameter.
private func ancestors(of path: String) -> [String] {
  var found: [String] = []
  var module = parent(of: path)
  while !module.isEmpty {
    found.append(module)
    module = parent(of: module)
  }
  return found
}

/// A pattern of PEFT's maps that takes one module alone.
func exactPattern(_ path: String) -> String { "^" + escaped(path) }

/// A path as a regular expression of itself.
private func escaped(_ path: String) -> String { path.replacing(".", with: "\\.") }
