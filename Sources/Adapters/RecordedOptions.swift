package import Formats
package import Recipes

/// A method whose own options are written into its files as they are.
package protocol RecordsOptions: AdapterMethod {
  /// The options that it was made of.
  var reader: OptionReader { get }
}

extension RecordsOptions {
  package func configuration(_ adapter: AttachedAdapter) throws(AdapterError) -> JSONObject {
    Self.options.names.reduce(into: JSONObject()) { object, name in
      object[name] = reader.value(name).map { JSONValue($0.plain) }
    }
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
