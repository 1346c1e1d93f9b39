import Recipes
import Testing

@Suite("Option tables")
struct OptionReaderTests {
  private enum Side: String, CaseIterable { case left, right }

  private static let table: OptionTable = [
    Option("r", .integer, default: 8, range: .atLeast(1), aliases: ["rank"], "rank"),
    Option("alpha", .number, default: .described("r"), "scaling"),
    Option("betas", .list(.number, count: 2...2), default: [0.9, 0.999], "decays"),
    Option("names", .list(.text), default: [], "names"),
    Option("on", .boolean, default: false, "switch"),
    Option("side", .choice(Side.self), default: "right", "side"),
    Option("init", .component(of: "init"), default: "zero", "start"),
    Option("file", .path, default: .absent, "a file"),
    Option("size", .number, default: .required, range: .within(0..<1), unit: "m", "how large"),
  ]

  @Test("give values, defaults and nil")
  func values() {
    let diagnostics = Diagnostics()
    let reader = OptionReader(
      located("{rank: 4, size: 0, init: {name: eva, rho: 2}, file: a/../b.txt}", diagnostics),
      Self.table, diagnostics)
    #expect(diagnostics.errors.isEmpty)
    #expect(reader.int("r") == 4)
    #expect(reader.isGiven("r"))
    #expect(reader.isGiven("alpha") == false)
    #expect(reader.optionalNumber("alpha") == nil)
    #expect(reader.numbers("betas") == [0.9, 0.999])
    #expect(reader.texts("names") == [])
    #expect(reader.bool("on") == false)
    #expect(reader.choice("side", as: Side.self) == .right)
    #expect(reader.component("init").name == "eva")
    #expect(reader.path("file") == "/parts/b.txt")
    #expect(reader.number("size") == 0)
    #expect(diagnostics.notes.map(\.description) == ["part.yaml:1:2: rank: read as r"])
  }

  @Test("errors leave harmless placeholders")
  func placeholders() {
    let diagnostics = Diagnostics()
    let reader = OptionReader(
      located("{r: 0, betas: [1], side: up, init: 3, size: 1}", diagnostics), Self.table,
      diagnostics)
    #expect(
      Loaded.messages(of: diagnostics) == [
        "part.yaml:1:5: r: expected a number >= 1, found 0",
        "part.yaml:1:15: betas: expected 2 values, found 1",
        "part.yaml:1:26: side: expected left or right, found \"up\"",
        "part.yaml:1:36: init: expected the name of an init, or a map with its name and options, found 3",
        "part.yaml:1:45: size: expected a number in [0, 1) m, found 1.0",
      ])
    #expect(reader.int("r") == 0)
    #expect(reader.numbers("betas") == [])
    #expect(reader.choice("side", as: Side.self) == .left)
    #expect(reader.component("init").name == "")
  }

  @Test("a component that nobody reads is refused, and so are options without a reader")
  func unread() {
    let diagnostics = Diagnostics()
    let reader = OptionReader(
      located("{size: 0, init: {name: eva, rho: 2}}", diagnostics), Self.table, diagnostics)
    diagnostics.refuseUnread()
    #expect(
      Loaded.messages(of: diagnostics) == [
        "part.yaml:1:17: init: nothing in this program reads it; remove it"
      ])
    let wrong = Diagnostics()
    _ = OptionReader(reader.component("init"), [], wrong)
    #expect(
      Loaded.messages(of: wrong) == [
        "part.yaml:1:29: init.rho: unknown key; known here: name"
      ])
  }

  @Test("a method refuses common fields that its table lacks, and takes those it has")
  func forwarded() throws {
    let text = minimalRecipe.replacing("r: 4", with: "rank: 4\n  alpha: 8\n  steps: 3")
    let loaded = try loaded(text)
    let method = try #require(loaded.recipe.adapters.first).method
    let table: OptionTable = [
      Option("r", .integer, default: 8, range: .atLeast(1), "rank"),
      Option("dropout", .number, default: 0, "dropout"),
    ]
    let reader = OptionReader(method, table, loaded.diagnostics)
    #expect(reader.int("r") == 4)
    #expect(reader.number("dropout") == 0)
    #expect(
      loaded.messages == [
        "recipe.yaml:10:3: adapter.alpha: adapter method lora does not take this field; remove it",
        "recipe.yaml:11:3: adapter.steps: unknown key; known here: alpha, alpha_pattern, at, bias, dropout, exclude_modules, from, init, layers_to_transform, method, modules_to_save, name, optimizer, r, rank_pattern, schedule, target_modules, use_dora, use_rslora",
      ])
  }

  @Test("a format's own selections are refused when its table lacks them")
  func selections() throws {
    let text = minimalRecipe.replacing(
      "  split:", with: "  inputs: {state: {fields: [u], filds: [v]}}\n  split:")
    let loaded = try loaded(text)
    #expect(loaded.messages == [])
    let input = try #require(loaded.recipe.data.inputs.first)
    _ = OptionReader(input.selections, [], loaded.diagnostics)
    #expect(
      loaded.messages == [
        "recipe.yaml:12:33: data.inputs.state.filds: unknown key; did you mean data.inputs.state.fields?"
      ])
  }

  @Test("rows of the field reference and the JSON Schema come from the table")
  func reference() {
    #expect(
      Self.table.markdownRows.first == "| `r` | int | `8` | rank (a number >= 1) | `rank` |")
    #expect(
      Self.table.markdownRows.last
        == "| `size` | num | required | how large (a number in [0, 1), m) |  |")
    let schema = Self.table.jsonSchema()
    #expect(schema["required"] == ["size"])
    #expect(schema["additionalProperties"] == false)
    #expect(
      schema["properties"]?["r"]?.json
        == #"{"type":"integer","minimum":1,"description":"rank (a number >= 1)","default":8}"#)
    #expect(schema["properties"]?["side"]?["enum"] == ["left", "right"])
    #expect(RecipeTable.single.jsonSchema().json.contains(#""max_steps":{"type":"integer""#))
  }
}
