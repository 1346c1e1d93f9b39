/// All options of one component, declared once beside its code; reader, field reference, JSON Schema
/// and nearest-name hints come from it.
package struct OptionTable: Sendable, ExpressibleByArrayLiteral {
  /// In the order of the field reference and of resolved recipes.
  package let options: [Option]

  /// A name that stands twice, alias or not, is a programming error.
  package init(_ options: [Option]) {
    let names = options.flatMap { [$0.name] + $0.aliases }
    precondition(
      Set(names).count == names.count, "an option table names a field twice: \(names.sorted())")
    self.options = options
  }

  package init(arrayLiteral options: Option...) {
    self.init(options)
  }

  /// Names without aliases, in the order of the table.
  package var names: [String] { options.map(\.name) }

  /// The fields of both tables.
  package func adding(_ more: OptionTable) -> OptionTable {
    OptionTable(options + more.options)
  }

  /// The option of that name; aliases do not count.
  package subscript(_ name: String) -> Option? {
    options.first { $0.name == name }
  }

  /// The option that `key` spells, as its name or an alias.
  package func option(spelled key: String) -> Option? {
    options.first { $0.name == key || $0.aliases.contains(key) }
  }
}

/// One field of a component.
package struct Option: Sendable {
  package let name: String
  package let type: OptionType
  package let standard: OptionDefault
  /// Applies to every number in the value.
  package let range: OptionRange?
  /// Other spellings, accepted with a note.
  package let aliases: [String]
  package let unit: String?
  /// What the field means, for users.
  package let sentence: String
  /// Spelled here so that the field is known, but decoded by the table of the component that shares
  /// the map; a component whose table lacks it refuses it.
  package let isForwarded: Bool

  /// Declares a field; the last argument is the sentence for users.
  package init(
    _ name: String, _ type: OptionType, default standard: OptionDefault,
    range: OptionRange? = nil, aliases: [String] = [], unit: String? = nil,
    forwarded: Bool = false, _ sentence: String
  ) {
    self.name = name
    self.type = type
    self.standard = standard
    self.range = range
    self.aliases = aliases
    self.unit = unit
    self.isForwarded = forwarded
    self.sentence = sentence
  }
}

extension Option {
  /// The same field where it may be left out.
  var optional: Option {
    guard case .required = standard else { return self }
    return Option(
      name, type, default: .absent, range: range, aliases: aliases, unit: unit,
      forwarded: isForwarded, sentence)
  }
}

/// What stands for a field that a recipe leaves out; literals are default values.
package enum OptionDefault: Sendable {
  case required
  case absent
  /// Absent in the recipe, found elsewhere; the text says where (`the backbone's list`).
  case described(String)
  case value(PlainValue)
}

extension OptionDefault: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  package init(booleanLiteral value: Bool) { self = .value(.boolean(value)) }
  package init(integerLiteral value: Int) { self = .value(.integer(value)) }
  package init(floatLiteral value: Double) { self = .value(.number(value)) }
  package init(stringLiteral value: String) { self = .value(.text(value)) }
  package init(arrayLiteral elements: PlainValue...) { self = .value(.list(elements)) }
  package init(dictionaryLiteral elements: (String, PlainValue)...) {
    self = .value(.map(elements.map { .init($0.0, $0.1) }))
  }
}

/// The numbers that an option allows.
package struct OptionRange: Sendable, CustomStringConvertible {
  package let lower: Double
  package let upper: Double
  package let includesLower: Bool
  package let includesUpper: Bool

  /// This number or more.
  package static func atLeast(_ lower: Double) -> OptionRange {
    OptionRange(lower: lower, upper: .infinity, includesLower: true, includesUpper: true)
  }

  /// More than this number.
  package static func above(_ lower: Double) -> OptionRange {
    OptionRange(lower: lower, upper: .infinity, includesLower: false, includesUpper: true)
  }

  /// Both ends included.
  package static func within(_ range: ClosedRange<Double>) -> OptionRange {
    OptionRange(
      lower: range.lowerBound, upper: range.upperBound, includesLower: true, includesUpper: true)
  }

  /// The lower end included, the upper not.
  package static func within(_ range: Range<Double>) -> OptionRange {
    OptionRange(
      lower: range.lowerBound, upper: range.upperBound, includesLower: true, includesUpper: false)
  }

  /// Neither end included.
  package static func between(_ lower: Double, _ upper: Double) -> OptionRange {
    OptionRange(lower: lower, upper: upper, includesLower: false, includesUpper: false)
  }

  /// Whether the number is allowed.
  package func contains(_ number: Double) -> Bool {
    (includesLower ? number >= lower : number > lower)
      && (includesUpper ? number <= upper : number < upper)
  }

  package var description: String {
    guard upper.isFinite else {
      return "a number \(includesLower ? ">=" : ">") \(NumberText.short(lower))"
    }
    let open = includesLower ? "[" : "("
    let close = includesUpper ? "]" : ")"
    return "a number in \(open)\(NumberText.short(lower)), \(NumberText.short(upper))\(close)"
  }
}
