/// A JSON document that keeps the order of keys and tells integers from other numbers.
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// Written without fraction and exponent, and within 64 bits.
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
  package var isNull: Bool { self == .null }

  /// The value of any number.
  package var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}

/// Keys with their values in the order in which they were written or set; keys are unique.
package struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  package private(set) var keys: [String] = []
  private var values: [String: JSONValue] = [:]

  package init() {}

  package init(dictionaryLiteral entries: (String, JSONValue)...) {
    for (key, value) in entries { self[key] = value }
  }

  package var count: Int { keys.count }

  /// Keys and values in order.
  package var entries: [(key: String, value: JSONValue)] {
    keys.compactMap { key in values[key].map { (key, $0) } }
  }

  /// Sets a value, at the end if the key is new; nil removes the key.
  package subscript(key: String) -> JSONValue? {
    get { values[key] }
    set {
      let older = values[key]
      values[key] = newValue
      if older == nil, newValue != nil { keys.append(key) }
      if older != nil, newValue == nil { keys.removeAll { $0 == key } }
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .number(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  package init(nilLiteral: ()) { self = .null }
  package init(dictionaryLiteral entries: (String, JSONValue)...) {
    var object = JSONObject()
    for (key, value) in entries { object[key] = value }
    self = .object(object)
  }
}
