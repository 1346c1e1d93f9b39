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
