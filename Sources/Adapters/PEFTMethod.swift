package import Formats
import Layers
package import Recipes

/// A method of PEFT: its options are the fields of its configuration.
package protocol PEFTMethod: AdapterMethod {
  /// All fields of the method but those of ranks and scalings by module.
  var fields: JSONObject { get }
  /// The fields of ranks and scalings by module, where PEFT has them.
  static var patternFields: (rank: String?, alpha: String?) { get }
  /// Settings of PEFT that are not offered: a file must have the value given here.
  static var fixedFields: [FixedField] { get }
}

/// A field of PEFT of which one value alone is offered.
package struct FixedField: Sendable {
  let name: String
  let value: JSONValue
  let reason: String

  init(_ name: String, _ value: JSONValue, _ reason: String) {
    (self.name, self.value, self.reason) = (name, value, reason)
  }
}

extension PEFTMethod {
  package static var patternFields: (rank: String?, alpha: String?) { (nil, nil) }
  package static var fixedFields: [FixedField] { [] }

  package func configuration(_ adapter: AttachedAdapter) throws(AdapterError) -> JSONObject {
    var fields = wholeFields
    let patterns = Self.patternFields
    if patterns.rank == nil, lowRank != nil {
      try requireOneRank(adapter.modules.map(\.target))
    }
    if let rank = patterns.rank {
      setPattern(
        "r", rank, adapter.modules.map { ($0.target.site.path, .integer($0.target.rank)) }, &fields)
    }
    if let alpha = patterns.alpha {
      setPattern(
        "alpha", alpha, adapter.modules.map { ($0.target.site.path, number($0.target.alpha)) },
        &fields)
    }
    return fields
  }

  package static func options(
    _ configuration: JSONObject
  ) throws(UnsupportedConfiguration) -> [PlainValue.Field] {
    try refuseUnoffered(configuration)
    return namedOptions(configuration)
  }

  /// The fields with those of which one value alone is offered.
  var wholeFields: JSONObject {
    Self.fixedFields.reduce(into: fields) { $0[$1.name] = $1.value }
  }

  /// Refuses a file whose settings are not offered.
  static func refuseUnoffered(
    _ configuration: JSONObject
  ) throws(UnsupportedConfiguration) {
    for field in fixedFields {
      guard let found = configuration[field.name], !found.isNull, found != field.value else {
        continue
      }
      if let a = found.number, let b = field.value.number, a == b { continue }
      throw UnsupportedConfiguration(
        "\(field.name) is set in the adapter's configuration: \(field.reason)")
    }
  }

  /// Refuses ranks or scalings by module where the method has one for all.
  func requireOneRank(_ targets: [AdapterTarget]) throws(AdapterError) {
    for target in targets {
      guard
        target.rank != lowRank?.rank || lowRank?.alpha.map({ $0 != target.alpha }) ?? false
      else { continue }
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason:
          "rank \(target.rank) or alpha differs from that of the method, and all modules share "
          + "one. Leave the module out of rank_pattern and alpha_pattern")
    }
  }

  /// Refuses a number that the size of a weight is no multiple of.
  func require(
    _ divisor: Int, divides size: Int, _ what: String, of target: AdapterTarget, option: String
  ) throws(AdapterError) {
    guard divisor > 0, size % divisor == 0 else {
      throw .unsupported(
        module: target.site.path, method: Self.name,
        reason:
          "\(option) \(divisor) does not divide the \(size) \(what). Choose a divisor, or leave "
          + "the module out of target_modules")
    }
  }
}

/// Fields of PEFT's configurations from a recipe's options.
enum PEFTFields {
  /// Those that every configuration with `layers_to_transform` has.
  static let layers: JSONObject = ["layers_pattern": nil, "layers_to_transform": nil]

  /// The options under their names, or PEFT's where `renamed` says so, and constants.
  ///
  /// Options of `without` are not PEFT's.
  static func object(
    _ options: OptionReader, renamed: [String: String] = [:], without: Set<String> = [],
    _ constants: JSONObject...
  ) -> JSONObject {
    var object = JSONObject()
    for option in options.table.options where !without.contains(option.name) {
      object[renamed[option.name] ?? option.name] =
        options.value(option.name).map { JSONValue($0.plain) } ?? .null
    }
    for (key, value) in constants.flatMap(\.entries) { object[key] = value }
    return object
  }
}

extension Option {
  static func rank(_ standard: Int) -> Option {
    Option(
      "r", .integer, default: .value(.integer(standard)), range: .atLeast(1),
      aliases: ["rank", "lora_r", "lora_rank"], "Rank of the update.")
  }

  /// The update is scaled by α/r.
  static func alpha(_ standard: OptionDefault = .described("r"), aliases: [String] = []) -> Option {
    Option(
      "alpha", .number, default: standard, aliases: ["lora_alpha"] + aliases,
      "The update is scaled by alpha / r.")
  }

  static func dropout(_ name: String) -> Option {
    Option(
      "dropout", .number, default: 0, range: .within(0..<1),
      aliases: ["lora_dropout"] + (name == "lora_dropout" ? [] : [name]),
      "Dropout on the adapter's input.")
  }
}

extension LowRank {
  /// From those of r, alpha and dropout that the method has.
  init(of options: OptionReader) {
    func has(_ name: String) -> Bool { options.table[name] != nil }
    self.init(
      rank: max(1, options.int("r")), alpha: has("alpha") ? options.optionalNumber("alpha") : nil,
      dropout: has("dropout") ? options.number("dropout") : 0)
  }
}

extension JSONValue {
  /// A plain value as JSON.
  package init(_ value: PlainValue) {
    self =
      switch value {
      case .null: .null
      case .boolean(let value): .bool(value)
      case .integer(let value): .integer(value)
      case .number(let value): .number(value)
      case .text(let value), .path(let value): .string(value)
      case .list(let values): .array(values.map { JSONValue($0) })
      case .map(let fields):
        .object(
          fields.reduce(into: JSONObject()) { object, field in
            object[field.key] = JSONValue(field.value)
          })
      }
  }
}
