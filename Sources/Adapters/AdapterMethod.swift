package import Formats
package import Layers
package import Recipes
package import Tensors

/// A parameter-efficient adaptation method: what is trained in place of the base weights.
///
/// A method is one file. It supplies mathematics; finding targets, freezing, merging, saving and
/// loading are the engine's. A method acts on weights (`makeChange`) or on the streams of blocks
/// (`makeBranches`), as its capabilities say.
package protocol AdapterMethod: RegistryEntry, Sendable {
  /// `peft_type` in `adapter_config.json`: PEFT's where PEFT has the method, else our own.
  static var peftType: String { get }
  /// Where the method can stand and what it can do.
  static var capabilities: AdapterCapabilities { get }

  /// The method with its own options; contradictions go to `diagnostics`.
  init(_ options: OptionReader, _ diagnostics: Diagnostics)

  /// Rank, scaling and dropout before exceptions by pattern; nil for a method without ranks.
  var lowRank: LowRank? { get }

  /// Refuses base weights that the saved adapters which the method reads do not belong to.
  ///
  /// - Throws: `AdapterError.foreignBase`.
  func checkBase(_ digest: String) throws(AdapterError)

  /// How first values are found where the method always looks at data for them; nil for a method that
  /// does not.
  var ownInitialization: (any AdapterInitialization)? { get }

  /// Makes the changes of all targets, in their order.
  ///
  /// For methods whose targets share something; others make them one by one.
  /// - Throws: where the method cannot stand on a weight.
  func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange]

  /// Makes the change of one target.
  ///
  /// - Throws: where the method cannot stand on this weight.
  func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange

  /// Makes the branches of one block.
  ///
  /// - Throws: where the method cannot stand on this block.
  func makeBranches(
    for block: BlockTarget, _ shared: SharedValues
  ) throws(AdapterError) -> [PlacedBranch]

  /// Trainable values on a target, by the method's formula, without those that targets share.
  func trainableCount(for target: AdapterTarget) -> Int
  /// The same for a block.
  func trainableCount(for block: BlockTarget) -> Int
  /// Trainable values that all targets share.
  func sharedCount(for targets: [AdapterTarget], _ blocks: [BlockTarget]) -> Int

  /// What the method does around optimizer steps.
  func hooks(_ adapter: AttachedAdapter) -> [any TrainingHook]
  /// How the update of a parameter departs from the optimizer's settings.
  func policy(of parameter: Parameter) -> UpdatePolicy

  /// The method's own fields of `adapter_config.json`.
  func configuration(_ adapter: AttachedAdapter) throws(AdapterError) -> JSONObject

  /// The values on one module of a file, each under its full name without PEFT's prefix
  /// (`blocks.0.attn.qkv.lora_A.weight`).
  ///
  /// - Throws: `AdapterError.unsupported` for what the layout cannot say.
  func stored(_ module: SiteModules) throws(AdapterError) -> [StoredValue]

  /// The same in the form that is written: what other programs read. `restored` takes both.
  func exported(_ module: SiteModules) throws(AdapterError) -> [StoredValue]

  /// The values of the module's parameters and buffers, by path, from a file's values by the names
  /// that `stored` gives.
  func restored(
    _ module: SiteModules, _ value: (_ name: String) throws -> Tensor
  ) throws -> [String: Tensor]

  /// Parts of parameter names whose gradient is not the derivative of the output, by the method's
  /// definition: a norm taken as constant, a quantizer passed straight through.
  static var detachedGradients: [String] { get }
  /// Whether every target has values of its own in a file.
  static var hasValues: Bool { get }
  /// Names of shared values that a file may lack, since the method makes them anew from its options.
  static var regenerated: Set<String> { get }
  /// Endings of paths of values that checkpoints hold and no file of an adapter.
  static var checkpointOnly: [String] { get }
  /// Whether a tensor of a file carries nothing, such as a copy of a shared one.
  func ignores(_ key: String) -> Bool

  /// Options that concern training alone, so that a run that starts from a file may give others.
  static var trainingOptions: Set<String> { get }

  /// How first values were found, where a file's values hold beside a weight that these changed.
  ///
  /// - Throws: a sentence for what cannot be found again.
  static func initialization(
    _ configuration: JSONObject
  ) throws(UnsupportedConfiguration) -> (any AdapterInitialization)?

  /// Fields that all configurations of PEFT have but this one: `bias`, `exclude_modules`.
  static var absentFields: Set<String> { get }
  /// PEFT's value of `bias` for the biases of adapted layers alone.
  static var biasName: String { get }
  /// Whether slices of one weight can be written as one module.
  static var joinsRows: Bool { get }

  /// The recipe's options for a configuration that PEFT wrote.
  ///
  /// - Throws: a sentence for settings that are not offered.
  static func options(
    _ configuration: JSONObject
  ) throws(UnsupportedConfiguration) -> [PlainValue.Field]
}

/// A value of a file under its name.
package struct StoredValue: Sendable {
  package let name: String
  package let tensor: Tensor

  package init(_ name: String, _ tensor: Tensor) {
    self.name = name
    self.tensor = tensor
  }
}

/// A branch and the sublayer that it stands on.
package struct PlacedBranch: Sendable {
  package let sublayer: BlockSite.Sublayer
  package let branch: any StreamBranch

  package init(_ sublayer: BlockSite.Sublayer, _ branch: any StreamBranch) {
    self.sublayer = sublayer
    self.branch = branch
  }
}

/// A setting of a file that this program does not offer.
package struct UnsupportedConfiguration: Error, Equatable {
  package let reason: String

  package init(_ reason: String) { self.reason = reason }
}

extension AdapterMethod {
  package var lowRank: LowRank? { nil }
  package var ownInitialization: (any AdapterInitialization)? { nil }
  package func checkBase(_ digest: String) throws(AdapterError) {}

  package func makeChanges(
    for targets: [AdapterTarget], _ shared: SharedValues
  ) throws(AdapterError) -> [any SiteChange] {
    var changes: [any SiteChange] = []
    for target in targets { changes.append(try makeChange(for: target, shared)) }
    return changes
  }

  package func makeChange(
    for target: AdapterTarget, _ shared: SharedValues
  ) throws(AdapterError) -> any SiteChange {
    throw .unsupported(
      module: target.site.path, method: Self.name, reason: "the method acts on blocks. Use at")
  }

  package func makeBranches(
    for block: BlockTarget, _ shared: SharedValues
  ) throws(AdapterError) -> [PlacedBranch] {
    throw .unsupported(
      module: block.site.path, method: Self.name,
      reason: "the method acts on weights. Use target_modules")
  }

  package func trainableCount(for target: AdapterTarget) -> Int { 0 }
  package func trainableCount(for block: BlockTarget) -> Int { 0 }
  package func sharedCount(for targets: [AdapterTarget], _ blocks: [BlockTarget]) -> Int { 0 }
  package func hooks(_ adapter: AttachedAdapter) -> [any TrainingHook] { [] }
  package func policy(of parameter: Parameter) -> UpdatePolicy { UpdatePolicy() }
  package func configuration(_ adapter: AttachedAdapter) throws(AdapterError) -> JSONObject {
    JSONObject()
  }

  package static var detachedGradients: [String] { [] }
  package static var hasValues: Bool { true }
  package static var trainingOptions: Set<String> { [] }
  package static func initialization(
    _ configuration: JSONObject
  ) throws(UnsupportedConfiguration) -> (any AdapterInitialization)? { nil }
  package static var regenerated: Set<String> { [] }
  package static var checkpointOnly: [String] { [] }
  package func ignores(_ key: String) -> Bool { false }
  package static var absentFields: Set<String> { [] }
  package static var biasName: String { "lora_only" }
  package static var joinsRows: Bool { false }

  package func stored(_ module: SiteModules) throws(AdapterError) -> [StoredValue] {
    Self.ownValues(of: module).uniqued().map { StoredValue($0.path, $0.value) }
  }

  package func exported(_ module: SiteModules) throws(AdapterError) -> [StoredValue] {
    try stored(module)
  }

  package func restored(
    _ module: SiteModules, _ value: (_ name: String) throws -> Tensor
  ) throws -> [String: Tensor] {
    var values: [String: Tensor] = [:]
    for parameter in Self.ownValues(of: module) {
      values[parameter.path] = try value(parameter.path)
    }
    return values
  }

  /// Values of a module that its file holds.
  private static func ownValues(of module: SiteModules) -> [Parameter] {
    let left = checkpointOnly
    return module.modules.flatMap { $0.change.parameters + $0.change.buffers }
      .filter { parameter in
        !SharedValues.isShared(parameter.path)
          && !left.contains { parameter.path.hasSuffix("." + $0) }
      }
  }

  /// Fields that bear an option's name or one of its aliases.
  package static func options(
    _ configuration: JSONObject
  ) throws(UnsupportedConfiguration) -> [PlainValue.Field] {
    namedOptions(configuration)
  }

  /// Fields that bear an option's name or one of its aliases.
  package static func namedOptions(_ configuration: JSONObject) -> [PlainValue.Field] {
    options.options.compactMap { option in
      ([option.name] + option.aliases).lazy
        .compactMap { configuration[$0] }.first { !$0.isNull }
        .flatMap { PlainValue($0) }.map { PlainValue.Field(option.name, $0) }
    }
  }
}

extension PlainValue {
  /// JSON as a plain value; nil for null.
  init?(_ value: JSONValue) {
    switch value {
    case .bool(let value): self = .boolean(value)
    case .integer(let value): self = .integer(value)
    case .number(let value): self = .number(value)
    case .string(let value): self = .text(value)
    case .array(let values): self = .list(values.compactMap { PlainValue($0) })
    case .object(let object):
      self = .map(
        object.entries.compactMap { entry in
          PlainValue(entry.value).map { PlainValue.Field(entry.key, $0) }
        })
    default: return nil
    }
  }
}

extension [Parameter] {
  /// Each once, in order.
  package func uniqued() -> [Parameter] {
    var seen = Set<ObjectIdentifier>()
    return filter { seen.insert(ObjectIdentifier($0)).inserted }
  }
}
