package import Checkpoints
package import Formats
package import Layers
import Tensors

/// An adapter on disk: PEFT's layout, with `attune.json` for what PEFT has no key for.
extension AttachedAdapter {
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

  /// Writes the adapter as a directory, as a whole or not at all.
  ///
  /// - Parameters:
  ///   - path: the directory's.
  ///   - base: name or path of the base weights, nil for random ones.
  ///   - baseDigest: SHA-256 of the base weights.
  ///   - modules: what PEFT's rules need; nil writes an adapter for this program, which finds its
  ///     targets in `attune.json`.
  ///   - extras: further fields of `attune.json`.
  /// - Throws: `AdapterError.unsupported` for what PEFT's layout cannot say, and errors of files.
  package func save(
    to path: String, base: String?, baseDigest: String, modules: PortableModules? = nil,
    extras: JSONObject = JSONObject()
  ) throws {
    guard let method else { return }
    var record = try method.exported(self)
    record.tensors += savedTensors(under: Set(modulesBySite.map(\.site.path)))
    let savedPaths = savedModulePaths
    record.configuration["target_modules"] = .array(modulesBySite.map { .string($0.site.path) })
    record.configuration["modules_to_save"] =
      savedPaths.isEmpty ? .null : .array(savedPaths.map { .string($0) })
    record = modules?.applied(to: record) ?? record
    record.configuration["peft_type"] = .string(peftType)
    for key in ["task_type", "revision", "auto_mapping"] { record.configuration[key] = .null }
    record.configuration["base_model_name_or_path"] = base.map { .string($0) } ?? .null
    record.configuration["peft_version"] = .string("0.21.2")
    record.configuration["inference_mode"] = .bool(true)
    record.configuration["bias"] = .string(
      settings.bias == .adapted ? "lora_only" : settings.bias.rawValue)
    record.configuration["exclude_modules"] = .null
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
      tensors: record.tensors.map { (PEFTDirectory.key($0.name), $0.tensor) },
      extras: own, card: PEFTDirectory.card(baseModel: base, method: settings.method))
  }

  /// Gives the adapter the values of a directory.
  ///
  /// - Parameters:
  ///   - directory: in PEFT's layout.
  ///   - baseDigest: of this model's base weights; another one in the file is refused. Nil accepts
  ///     any base.
  /// - Throws: `AdapterError` for missing, surplus or misshapen tensors and for a foreign base.
  package func load(from directory: PEFTDirectory, baseDigest: String?) throws {
    guard let method else { return }
    if let expected = directory.extras?["base_digest"]?.string, let baseDigest,
      expected != baseDigest
    {
      throw AdapterError.foreignBase(expected: expected, found: baseDigest, path: directory.path)
    }
    var values = try method.imported(self, from: directory)
    let adapted = Set(modulesBySite.map(\.site.path))
    for parameter in saved {
      let key = PEFTDirectory.key(savedName(parameter.path, adapted))
      values[parameter.path] = try directory.weights.tensor(key)
    }
    let known = Set(
      try method.exported(self).tensors.map { PEFTDirectory.key($0.name) }
        + saved.map { PEFTDirectory.key(savedName($0.path, adapted)) })
    let surplus = directory.weights.names.filter { !known.contains($0) }
    if !surplus.isEmpty {
      throw AdapterError.unexpectedTensors(path: directory.path, keys: surplus)
    }
    for parameter in parameters + saved {
      guard let value = values[parameter.path] else {
        throw AdapterError.missingTensors(path: directory.path, keys: [parameter.path])
      }
      guard value.elementCount == parameter.elementCount else {
        throw AdapterError.wrongShape(
          path: directory.path, key: parameter.path, expected: parameter.shape,
          found: value.shape)
      }
      parameter.value = value.reshaped(to: parameter.shape).copied()
    }
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

  private func savedTensors(under adapted: Set<String>) -> [(name: String, tensor: Tensor)] {
    saved.map { (savedName($0.path, adapted), $0.value) }
  }

  /// In an adapted layer PEFT calls the base's bias `base_layer.bias`.
  private func savedName(_ path: String, _ adapted: Set<String>) -> String {
    guard let dot = path.lastIndex(of: "."), adapted.contains(String(path[..<dot])) else {
      return path
    }
    return path[..<dot] + ".base_layer" + path[dot...]
  }
}

/// All targets of an adapter on one weight.
package struct SiteModules {
  package let site: AdaptationSite
  package var modules: [(target: AdapterTarget, delta: any WeightDelta)]
}

extension PEFTDirectory {
  /// The key of a full name below the base model.
  static func key(_ name: String) -> String {
    String(key(module: name, parameter: "").dropLast())
  }
}
