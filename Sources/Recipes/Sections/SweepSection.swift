/// `sweep`: values that a batch of runs goes through.
package struct SweepSection: Sendable {
  package struct Axis: Sendable {
    /// Dotted path of the field.
    package let path: String
    package let location: SourceLocation
    package let values: [Located]
  }

  /// Varied independently, in file order.
  package let axes: [Axis]
  /// Each map holds values, by dotted path, that move together.
  package let tied: [[Located.Entry]]
  package let seeds: [Int]
  package let maximumRuns: Int?
  /// The seeds with their places.
  let seedValues: [Located]
  /// Where `max_runs` stands, or the section.
  let limitLocation: SourceLocation

  static let table: OptionTable = [
    Option("tied", .list(.map(.any)), default: .absent, "values that move together"),
    Option("seeds", .list(.integer), default: .absent, range: .atLeast(0), "one run each"),
    Option("max_runs", .integer, default: .absent, range: .atLeast(1), "most runs"),
  ]

  init(_ value: Located, _ diagnostics: Diagnostics) {
    let known = value.entries.filter { Self.table[$0.key] != nil }
    let reader = OptionReader(
      Located(.map(known), at: value.location, path: value.path), Self.table, diagnostics)
    axes = value.entries.filter { Self.table[$0.key] == nil }.compactMap { entry in
      guard case .list(let values) = entry.value.value, !values.isEmpty else {
        diagnostics.error(
          .wrongType(
            expected: "a list of values", found: entry.value.found, hint: "write it in brackets"),
          at: entry.value)
        return nil
      }
      guard DottedPath.keys(of: entry.key).map(RecipeTable.knows) == true else {
        diagnostics.error(
          .rule("a recipe has no field of this path", mend: "write its full dotted path"),
          at: entry.keyLocation, path: entry.value.path)
        return nil
      }
      return Axis(path: entry.key, location: entry.keyLocation, values: values)
    }
    tied = reader.list("tied").map(\.entries)
    for entry in tied.joined()
    where DottedPath.keys(of: entry.key).map(RecipeTable.knows) != true {
      diagnostics.error(
        .rule("a recipe has no field of this path", mend: "write its full dotted path"),
        at: entry.keyLocation, path: entry.value.path)
    }
    seedValues = reader.list("seeds")
    seeds = reader.ints("seeds")
    maximumRuns = reader.optionalInt("max_runs")
    limitLocation = reader.value("max_runs")?.location ?? value.location
  }
}
