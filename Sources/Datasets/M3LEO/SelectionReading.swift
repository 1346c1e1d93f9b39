import Recipes

/// Makes a plan of an input's fields.
struct SelectionReading {
  typealias Channel = M3LEOSelection.Channel
  typealias Term = M3LEOSelection.Term
  typealias Kind = M3LEOComponent.Kind

  let component: M3LEOComponent
  let reader: OptionReader
  let variable: String?
  let path: String
  let diagnostics: Diagnostics

  var kind: Kind { component.kind }

  /// Fields that say how values are read, not which.
  private static let conversions: Set = [
    "percentiles", "convert_water_to_zero",
  ]

  /// Fields in the recipe that choose channels.
  var given: [String] {
    reader.table.names.filter { !Self.conversions.contains($0) && reader.isGiven($0) }
      + (variable == nil ? [] : ["variable"])
  }

  func refuse(_ field: String, _ reason: String, mend: String) {
    guard reader.table[field] != nil, let value = reader.value(field), reader.isGiven(field) else {
      diagnostics.error(.rule(reason, mend: mend), at: reader.location, path: "\(path).\(field)")
      return
    }
    diagnostics.error(.rule(reason, mend: mend), at: value)
  }

  func percentiles() -> [Double]? {
    guard reader.value("percentiles") != nil else { return nil }
    let values = reader.numbers("percentiles")
    if values.count == 2, values[0] >= values[1] {
      refuse("percentiles", "the first percentile is not below the second", mend: "swap them")
    }
    return values
  }

  var zeroed: Double? {
    kind == .modis44b006veg && reader.bool("convert_water_to_zero") ? 200 : nil
  }

  /// Texts of a field that is one or a list; nil where the recipe does not give it.
  func texts(_ field: String) -> [String]? {
    guard reader.isGiven(field), let value = reader.value(field) else { return nil }
    let texts: [String] = (value.elements.isEmpty ? [value] : value.elements).compactMap {
      switch $0.value {
      case .text(let text): text
      case .integer(let number): String(number)
      default: nil
      }
    }
    if texts.isEmpty { refuse(field, "nothing is chosen", mend: "name one, or remove the field") }
    if Set(texts).count < texts.count { refuse(field, "one is named twice", mend: "name it once") }
    return texts
  }
}
