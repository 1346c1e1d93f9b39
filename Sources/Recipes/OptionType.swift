/// The type of one option: what the reader accepts, and what references and schemas say.
package indirect enum OptionType: Sendable {
  case integer
  /// A whole number is accepted and read as a number.
  case number
  case boolean
  case text
  /// A file or folder, made absolute by the folder of the file that names it.
  case path
  /// Matched against paths of the module tree; never empty.
  case pattern
  /// A registered name of the given kind.
  case name(of: String)
  /// A name, or a map of the name under `key` and the component's own options.
  ///
  /// `beside` lists fields that the owner reads from the same map (a loss term's `weight`).
  case component(of: String, key: String = "name", beside: OptionTable = [])
  case oneOf([String])
  case list(OptionType, count: ClosedRange<Int>? = nil)
  /// Keys chosen by the user, values of one type.
  case map(OptionType)
  /// A map with fields of its own; other keys are left to `rest`, where that is given.
  case table(OptionTable, rest: String? = nil)
  /// A number of steps, or `N epochs`.
  case interval
  /// The first type that fits the shape of the value.
  case either([OptionType])
  /// Not checked here; the owner reads the located value.
  case any

  /// One of the raw values of an enumeration.
  package static func choice<Choice>(_ type: Choice.Type) -> OptionType
  where Choice: CaseIterable & RawRepresentable, Choice.RawValue == String {
    .oneOf(type.allCases.map(\.rawValue))
  }

  /// The type in words, as errors say it.
  package var expectation: String {
    switch self {
    case .integer: "a whole number"
    case .number: "a number"
    case .boolean: "true or false"
    case .text: "text"
    case .path: "a path"
    case .pattern: "a module pattern"
    case .name(let kind): "the name of \(Self.article(kind))"
    case .component(let kind, let key, _):
      "the name of \(Self.article(kind)), or a map with its \(key) and options"
    case .oneOf(let names): Self.alternatives(names)
    case .list(let element, let count?) where count.count == 1:
      "a list of \(count.lowerBound), each \(element.expectation)"
    case .list(let element, _): "a list, each \(element.expectation)"
    case .map(let value): "a map, each value \(value.expectation)"
    case .table: "a map"
    case .interval: "a number of steps or \"N epochs\""
    case .either(let types): Self.alternatives(types.map(\.expectation))
    case .any: "a value"
    }
  }

  /// The type in the short form of the field reference.
  package var label: String {
    switch self {
    case .integer: "int"
    case .number: "num"
    case .boolean: "bool"
    case .text: "text"
    case .path: "path"
    case .pattern: "pattern"
    case .name: "name"
    case .component: "comp"
    case .oneOf(let names): names.map { "`\($0)`" }.joined(separator: " or ")
    case .list(let element, _): "[\(element.label)]"
    case .map(let value): "{name: \(value.label)}"
    case .table(let table, _): "{\(table.options.map(\.name).joined(separator: ", "))}"
    case .interval: "int steps or `N epochs`"
    case .either(let types): types.map(\.label).joined(separator: " or ")
    case .any: "any"
    }
  }

  private static func article(_ noun: String) -> String {
    ("aeiou".contains(noun.prefix(1)) ? "an " : "a ") + noun
  }

  private static func alternatives(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "nothing" }
    return names.dropLast().joined(separator: ", ") + " or " + last
  }

  /// Whether the shape of a value is this type's; its parts may still be wrong.
  func fits(_ value: Located) -> Bool {
    switch (self, value.value) {
    case (.any, _), (.integer, .integer), (.number, .integer), (.number, .number),
      (.boolean, .boolean), (.text, .text), (.path, .text), (.path, .path), (.pattern, .text),
      (.name, .text), (.component, .text), (.component, .map), (.map, .map), (.table, .map),
      (.interval, .integer):
      true
    case (.interval, .text(let text)): Interval(text) != nil
    case (.oneOf(let names), .text(let text)): names.contains(text)
    case (.oneOf(let names), .boolean(let flag)): names.contains(String(flag))
    case (.list(let element, let count), .list(let elements)):
      elements.allSatisfy(element.fits) && (count?.contains(elements.count) ?? true)
    case (.either(let types), _): types.contains { $0.fits(value) }
    default: false
    }
  }
}

/// How often something happens: `500` steps, or `5 epochs`.
package enum Interval: Sendable, Hashable, CustomStringConvertible {
  case steps(Int)
  case epochs(Int)

  /// Reads `5 epochs` or `1 epoch`.
  package init?(_ text: String) {
    let words = text.split(separator: " ")
    guard words.count == 2, ["epoch", "epochs"].contains(words[1]), let count = Int(words[0]),
      count > 0
    else { return nil }
    self = .epochs(count)
  }

  package var description: String {
    switch self {
    case .steps(let count): String(count)
    case .epochs(let count): "\(count) epochs"
    }
  }
}
