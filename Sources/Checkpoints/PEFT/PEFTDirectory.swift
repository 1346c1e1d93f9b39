package import Formats
import Foundation

/// An adapter directory as PEFT writes it: configuration and tensors, without their meaning.
///
/// What holds for every method is checked: the method is known, keys have PEFT's prefix, all
/// weights are finite, and LoRA's ranks agree with the configuration.
package struct PEFTDirectory: Sendable {
  package let path: String
  /// `peft_type`; BONE, which PEFT renamed, is read as MISS.
  package let method: String
  /// `adapter_config.json`.
  package let configuration: JSONObject
  /// `adapter_model.safetensors` under its keys.
  package let weights: any TensorSource
  /// `attune.json`, which holds what PEFT has no key for.
  package let extras: JSONObject?
  /// Sentences about what was changed while reading.
  package let notes: [String]

  package static let configurationName = "adapter_config.json"
  package static let weightsName = "adapter_model.safetensors"
  package static let extrasName = "attune.json"

  /// The files that decide what the adapter of a folder is; nil for a folder without one.
  package static func files(in folder: String) -> [String]? {
    let configuration = folder + "/" + configurationName
    guard FileManager.default.fileExists(atPath: configuration) else { return nil }
    let weights = ["adapter_model.safetensors", "adapter_model.bin"].map { folder + "/" + $0 }
    return [configuration] + weights.filter { FileManager.default.fileExists(atPath: $0) }
  }

  /// Key of a parameter of a module, as `base_model.model.blocks.0.attn.qkv.lora_A.weight`.
  package static func key(module: String, parameter: String) -> String {
    modulePrefix + module + "." + parameter
  }

  /// Key of a tensor that all modules share, as `base_model.vera_A`.
  package static func key(shared name: String) -> String { sharedPrefix + name }

  /// Module path and parameter together without prefix, nil for shared tensors.
  package static func modulePath(ofKey key: String) -> String? {
    key.hasPrefix(modulePrefix) ? String(key.dropFirst(modulePrefix.count)) : nil
  }

  private static let sharedPrefix = "base_model."
  private static let modulePrefix = "base_model.model."

  /// Reads the directory at `path`.
  ///
  /// - Parameters:
  ///   - path: Folder with `adapter_config.json` and `adapter_model.safetensors`.
  ///   - methods: Accepted values of `peft_type`.
  /// - Throws: `CheckpointError`: `.unknownMethod`, `.rankMismatch`, `.notFinite`, or what a file
  ///   lacks.
  package init(
    reading path: String, accepting methods: [String] = PEFTMethods.vision
  ) throws(CheckpointError) {
    self.path = path
    let configurationPath = path + "/" + Self.configurationName
    configuration = try Self.object(at: configurationPath)
    guard let written = configuration["peft_type"]?.string else {
      throw .malformed(configurationPath, "adapter configuration", "peft_type is missing")
    }
    let isBone = written == "BONE"
    method = isBone ? "MISS" : written
    try Self.requireKnown(method, accepting: methods, in: configurationPath)

    let weights = try Self.openWeights(in: path)
    if let stray = weights.names.first(where: { !$0.hasPrefix(Self.sharedPrefix) }) {
      throw .malformed(
        weights.path, "adapter", "key '\(stray)' does not begin with \(Self.sharedPrefix)")
    }
    if isBone, !weights.names.contains(where: { $0.contains(".miss_") }) {
      self.weights = RenamedSource(base: weights) {
        $0.replacingOccurrences(of: ".bone_", with: ".miss_")
      }
      notes = ["\(path): peft_type BONE was read as MISS, its present name"]
    } else {
      self.weights = weights
      notes = []
    }
    let extrasPath = path + "/" + Self.extrasName
    extras =
      FileManager.default.fileExists(atPath: extrasPath) ? try Self.object(at: extrasPath) : nil
    try weights.requireFinite()
    try requireRanks()
  }

  /// The value of a field for one module: that of the first matching key of a pattern map, else the
  /// global one.
  ///
  /// A key is a regular expression for the end of the module's path, beginning at a dot (PEFT,
  /// `get_pattern_key`).
  ///
  /// - Throws: `CheckpointError.file` where a key is no regular expression.
  package func value(
    of field: String, patterns: String, module: String
  ) throws(CheckpointError) -> JSONValue? {
    for (key, value) in configuration[patterns]?.object?.entries ?? [] {
      guard let expression = try? Regex("^(.*\\.)?(\(key))$") else {
        throw .malformed(
          path + "/" + Self.configurationName, "adapter configuration",
          "\(patterns) key '\(key)' is not a regular expression")
      }
      if module.wholeMatch(of: expression) != nil { return value }
    }
    return configuration[field]
  }

  private func requireRanks() throws(CheckpointError) {
    let suffix = ".lora_A.weight"
    guard method == "LORA" else { return }
    for name in weights.names where name.hasSuffix(suffix) {
      guard let module = Self.modulePath(ofKey: name)?.dropLast(suffix.count),
        let found = weights.entry(name)?.shape.first,
        let configured = try value(of: "r", patterns: "rank_pattern", module: String(module))?
          .integer
      else { continue }
      guard found == configured else {
        throw .rankMismatch(
          path: weights.path, tensor: name, configured: configured, found: found)
      }
    }
  }

  private static func requireKnown(
    _ method: String, accepting methods: [String], in path: String
  ) throws(CheckpointError) {
    guard !PEFTMethods.language.contains(method) else {
      throw .file(
        .unsupported(
          path: path, what: "peft_type \(method)",
          remedy: "It adapts language models; vision backbones have no place for it."))
    }
    if let reason = PEFTMethods.refused[method] {
      throw .file(.unsupported(path: path, what: "peft_type \(method)", remedy: reason))
    }
    guard methods.contains(method) else {
      throw .unknownMethod(path: path, name: method, known: methods)
    }
  }

  private static func openWeights(in path: String) throws(CheckpointError) -> any TensorSource {
    let weights = path + "/" + weightsName
    let pickle = path + "/adapter_model.bin"
    if !FileManager.default.fileExists(atPath: weights),
      FileManager.default.fileExists(atPath: pickle)
    {
      throw .file(
        .unsupported(
          path: pickle, what: "an adapter stored as a pickle",
          remedy: "Save it again with PEFT, which writes \(weightsName)."))
    }
    return try SafetensorsFile(path: weights)
  }

  private static func object(at path: String) throws(CheckpointError) -> JSONObject {
    let value = try reportingFiles { () throws(FormatError) in try JSONValue(contentsOf: path) }
    guard let object = value.object else {
      throw .malformed(path, "JSON", "an object is expected")
    }
    return object
  }
}

/// Values of `peft_type` (PEFT 0.21.2).
package enum PEFTMethods {
  /// Methods for linear and convolution layers.
  package static let vision = [
    "ADALORA", "BEFT", "BOFT", "C3A", "DEFT", "DELORA", "FOURIERFT", "FROD", "GLORA",
    "GRALORA", "HIRA", "HRA", "IA3", "LILY", "LN_TUNING", "LOHA", "LOKR", "LORA", "MISS", "OFT",
    "OSF", "PEANUT", "PSOFT", "PVERA", "RANDLORA", "ROAD", "SHIRA", "SUPERTUNING",
    "TINYLORA", "UNILORA", "VBLORA", "VERA", "WAVEFT",
  ]

  /// Methods that are not offered, with what a file of theirs lacks.
  package static let refused = [
    "ADAMSS": "Its clusters of the weight's directions are not stored. Merge it in PEFT.",
    "POLY": "Its output needs the number of a task with every sample. Merge it in PEFT.",
  ]

  /// Methods that concern language models only.
  package static let language = [
    "ADAPTION_PROMPT", "CARTRIDGE", "CPT", "MULTITASK_PROMPT_TUNING", "PREFIX_TUNING",
    "PROMPT_TUNING", "P_TUNING", "SHADOW", "TRAINABLE_TOKENS", "XLORA",
  ]
}
