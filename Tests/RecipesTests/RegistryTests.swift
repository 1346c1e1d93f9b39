import Recipes
import Testing

private protocol Shape: RegistryEntry {
  static var corners: Int { get }
}

private struct Square: Shape {
  static let name = "square"
  static let summary = "four equal sides"
  static let options: OptionTable = [Option("side", .number, default: 1, "length")]
  static let corners = 4
}

private struct Circle: Shape {
  static let name = "circle"
  static let summary = "one center"
  static let options: OptionTable = []
  static let isExperimental = true
  static let corners = 0
}

private struct Triangle: Shape {
  static let name = "triangle"
  static let summary = "three sides"
  static let options: OptionTable = []
  static let corners = 3
}

@Suite("Registries")
struct RegistryTests {
  private let shapes = Registry<any Shape.Type>(kind: "shape", [Square.self, Circle.self])

  @Test("list their entries by name, and give the types back")
  func entries() throws {
    #expect(shapes.names == ["circle", "square"])
    #expect(shapes.entries.map { $0.corners } == [0, 4])
    #expect(try shapes.entry(named: "square").corners == 4)
    #expect(shapes["circle"]?.isExperimental == true)
    #expect(shapes["square"]?.isExperimental == false)
    #expect(shapes["square"]?.options.names == ["side"])
  }

  @Test("name the nearest entry and all of them")
  func unknown() {
    let error = #expect(throws: RecipeError.self) { try shapes.entry(named: "sqare") }
    #expect(
      error?.description
        == "no shape is called sqare; did you mean square? known: circle, square")
    #expect(error?.exitCode == .invalidRecipe)
  }

  @Test("record an unknown name at its place in the recipe")
  func located() throws {
    let loaded = try loaded(minimalRecipe.replacing("method: lora", with: "method: sqare"))
    let method = try #require(loaded.recipe.adapters.first).method
    #expect(shapes.entry(for: method, loaded.diagnostics) == nil)
    #expect(
      loaded.messages == [
        "recipe.yaml:8:11: adapter: no shape is called sqare; did you mean square? known: circle, square"
      ])
  }

  @Test("read a component's options by the table of the entry it names")
  func reading() throws {
    let loaded = try loaded(
      minimalRecipe.replacing("  method: lora\n  r: 4", with: "  {method: square, side: 2}"))
    let method = try #require(loaded.recipe.adapters.first).method
    let (shape, reader) = try #require(shapes.reading(method, loaded.diagnostics))
    #expect(shape.corners == 4)
    #expect(reader.number("side") == 2)
    #expect(loaded.messages == [])
  }

  @Test("grow as copies, and refuse a name twice")
  func adding() throws {
    let more = try shapes.adding(Triangle.self)
    #expect(more.names == ["circle", "square", "triangle"])
    #expect(shapes.names == ["circle", "square"])
    let error = #expect(throws: RecipeError.self) { try more.adding(Triangle.self) }
    #expect(
      error?.description
        == "the registry has a shape called triangle already; give the added one another name")
  }

  @Test(
    "near names are found, far ones are not",
    arguments: [
      ("lroa", "lora"), ("LoRA", "lora"), ("gated_lora", "gated-lora"), ("x", nil),
      ("dora", "lora"),
      ("upernet", nil),
    ])
  func nearest(written: String, expected: String?) {
    #expect(NearestName.of(written, among: ["gated-lora", "lora", "salt"]) == expected)
  }
}
