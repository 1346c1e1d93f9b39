/// Checks values against option types; keeps the components and nested maps that it meets.
struct OptionChecker {
  let diagnostics: Diagnostics
  /// By dotted path.
  private(set) var components: [String: Component] = [:]
  private(set) var tables: [String: OptionReader] = [:]

  init(diagnostics: Diagnostics) {
    self.diagnostics = diagnostics
  }

  /// The value in its final form (numbers as numbers, paths absolute), or nil with the errors
  /// recorded.
  mutating func check(_ value: Located, _ option: Option) -> Located? {
    check(value, option.type, option)
  }

  private mutating func check(_ value: Located, _ type: OptionType, _ option: Option) -> Located? {
    switch (type, value.value) {
    case (.any, _), (.boolean, .boolean), (.text, .text), (.path, .path): return value
    case (.name, .text(let text)), (.pattern, .text(let text)):
      return text.isEmpty ? refuse(value, type) : value
    case (.integer, .integer(let integer)): return inRange(value, Double(integer), option)
    case (.interval, .integer(let steps)):
      return steps > 0 ? value : refuse(value, type, hint: "the least is 1")
    case (.interval, .text(let text)):
      guard let interval = Interval(text) else { return refuse(value, type) }
      return value.replacing(.text(interval.description))
    case (.number, .integer(let integer)):
      return inRange(value.replacing(.number(Double(integer))), Double(integer), option)
    case (.number, .number(let number)): return inRange(value, number, option)
    case (.path, .text(let text)):
      guard !text.isEmpty else { return refuse(value, type) }
      return value.replacing(.path(FilePath.absolute(text, relativeTo: value.location.directory)))
    case (.oneOf(let names), .text), (.oneOf(let names), .boolean):
      return value.asText.map(names.contains) == true ? value : refuse(value, type)
    case (.list(let element, let count), .list(let elements)):
      return check(elements, of: value, element, count, option)
    case (.map(let element), .map(let entries)):
      return check(entries, of: value, element, option)
    case (.table(let table, let rest), .map):
      tables[value.path] = OptionReader(
        value, table, diagnostics, rest: rest.map { .deferred(owner: $0) } ?? .refused)
      return value
    case (.component(let kind, let key, let beside), .text),
      (.component(let kind, let key, let beside), .map):
      return component(value, kind: kind, key: key, beside: beside)
    case (.either(let types), _):
      guard
        let fitting = types.first(where: { $0.fits(value) })
          ?? types.first(where: { $0.isNear(value) })
      else { return refuse(value, type) }
      return check(value, fitting, option)
    default: return refuse(value, type)
    }
  }

  private mutating func check(
    _ elements: [Located], of value: Located, _ type: OptionType, _ count: ClosedRange<Int>?,
    _ option: Option
  ) -> Located? {
    if let count, !count.contains(elements.count) {
      diagnostics.error(.wrongCount(expected: count, found: elements.count), at: value)
      return nil
    }
    var checked: [Located] = []
    for element in elements {
      if let element = check(element, type, option) { checked.append(element) }
    }
    return checked.count == elements.count ? value.replacing(.list(checked)) : nil
  }

  private mutating func check(
    _ entries: [Located.Entry], of value: Located, _ type: OptionType, _ option: Option
  ) -> Located? {
    var checked: [Located.Entry] = []
    for entry in entries {
      guard let element = check(entry.value, type, option) else { continue }
      checked.append(.init(key: entry.key, keyLocation: entry.keyLocation, value: element))
    }
    return checked.count == entries.count ? value.replacing(.map(checked)) : nil
  }

  private mutating func component(
    _ value: Located, kind: String, key: String, beside: OptionTable
  ) -> Located? {
    var map = value
    if case .text(let name) = value.value {
      guard !name.isEmpty else { return refuse(value, .component(of: kind, key: key)) }
      map = value.replacing(.map([]))
        .adding(key, Located(.text(name), at: value.location), at: value.location)
    }
    diagnostics.resolution.offer(
      [.init(path: value.path, location: value.location)], at: value.path)
    let shared: OptionTable = [Option(key, .name(of: kind), default: .required, "")]
    let reader = OptionReader(
      map, shared.adding(beside), diagnostics, rest: .deferred(owner: kind))
    guard let name = reader.optionalText(key) else { return nil }
    components[value.path] = Component(
      name: name, nameLocation: reader.value(key)?.location ?? value.location,
      options: reader.rest.owned(by: "\(kind) \(name)"), beside: reader)
    return map
  }

  private func inRange(_ value: Located, _ number: Double, _ option: Option) -> Located? {
    guard let range = option.range, !range.contains(number) else { return value }
    diagnostics.error(
      .outOfRange(range: range.description, found: value.found, unit: option.unit), at: value)
    return nil
  }

  private func refuse(_ value: Located, _ type: OptionType, hint: String? = nil) -> Located? {
    diagnostics.error(
      .wrongType(
        expected: type.expectation, found: value.found, hint: hint ?? type.hint(for: value)),
      at: value)
    return nil
  }
}

extension OptionType {
  /// Whether a value that fits no alternative was probably meant as this one, so that its parts are
  /// named in the error.
  func isNear(_ value: Located) -> Bool {
    switch (self, value.value) {
    case (.list, .list), (.map, .map), (.table, .map), (.component, .map): true
    default: false
    }
  }

  /// How to mend a value of another type, where that can be told.
  fileprivate func hint(for value: Located) -> String? {
    switch (self, value.value) {
    case (_, .null): "give a value, or remove the key"
    case (.boolean, .text(let text)):
      switch text.lowercased() {
      case "yes", "on", "y", "true": "write true"
      case "no", "off", "n", "false": "write false"
      default: nil
      }
    case (.integer, .number(let number)): Int(exactly: number).map { "write \($0)" }
    case (.text, .integer), (.text, .number), (.text, .boolean), (.name, .integer),
      (.pattern, .integer):
      "put it in quotes"
    case (.number, .text(let text)), (.integer, .text(let text)):
      Double(text) == nil ? nil : "remove the quotes"
    case (.oneOf(let names), .text(let text)):
      NearestName.of(text, among: names).map { "did you mean \($0)?" }
    case (.list(let element, _), _) where element.fits(value): "write it in brackets"
    default: nil
    }
  }
}
