/// A recipe value without its place: defaults, resolved recipes, digests.
package enum PlainValue: Sendable, Hashable {
  case null
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  /// An absolute path, which a digest replaces by the digest of the content.
  case path(String)
  case list([PlainValue])
  /// Keys in their order, which has a meaning where the first match wins.
  case map([Field])

  /// A key of a map with its value.
  package struct Field: Sendable, Hashable {
    package var key: String
    package var value: PlainValue
    package init(_ key: String, _ value: PlainValue) {
      self.key = key
      self.value = value
    }
  }

  /// The value under `key` of a map.
  package subscript(_ key: String) -> PlainValue? {
    guard case .map(let fields) = self else { return nil }
    return fields.first { $0.key == key }?.value
  }
}

extension PlainValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  package init(booleanLiteral value: Bool) { self = .boolean(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(stringLiteral value: String) { self = .text(value) }
  package init(arrayLiteral elements: PlainValue...) { self = .list(elements) }
  package init(dictionaryLiteral elements: (String, PlainValue)...) {
    self = .map(elements.map { Field($0.0, $0.1) })
  }
}
