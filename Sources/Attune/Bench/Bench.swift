package import Recipes

/// Times a known piece of work by the code that recipes run.
///
/// - Parameters:
///   - name: of the benchmark.
///   - given: options of the command line, in order, by their names without dashes.
/// - Returns: what was measured.
/// - Throws: `CommandLineError` (64) for what the benchmark does not take, `RunError` (69) for what
///   this version does not offer, and what training or reading throws.
package func bench(
  _ name: String, _ given: [(name: String, value: PlainValue)]
) throws -> any BenchReport {
  do {
    let type = try benchmarks.entry(named: name)
    let diagnostics = Diagnostics()
    let here = SourceLocation(source: "bench \(name)")
    let map = given.map { item in
      let place = SourceLocation(source: "command line")
      return Located.Entry(
        key: item.name, keyLocation: place,
        value: Located(plain: item.value, at: place, path: item.name))
    }
    let reader = OptionReader(Located(.map(map), at: here), type.options, diagnostics)
    let work = type.work(reader, diagnostics)
    try diagnostics.throwErrors()
    return try work()
  } catch let error as RecipeError {
    throw CommandLineError(description: error.description)
  }
}
