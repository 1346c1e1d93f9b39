import Foundation
import Recipes
import Testing

@Suite("Base files")
struct BaseTests {
  private func load(_ files: [String: String]) throws -> Loaded {
    try withTemporaryFolder { folder in
      for (name, text) in files {
        let path = folder + "/" + name
        try FileManager.default.createDirectory(
          atPath: FilePath.directory(of: path), withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
      }
      let diagnostics = Diagnostics()
      let recipe = try RecipeLoader(environment: [:])
        .load(file: folder + "/recipe.yaml", diagnostics)
      return Loaded(recipe: recipe, diagnostics: diagnostics)
    }
  }

  @Test("maps merge deeply, scalars and lists replace, the file wins")
  func merging() throws {
    let loaded = try load([
      "base.yaml": minimalRecipe,
      "recipe.yaml": """
      base: base.yaml
      name: other
      adapter: {rank: 16}
      data: {split: {fractions: [0.5, 0.5]}}
      """,
    ])
    #expect(loaded.messages == [])
    #expect(loaded.recipe.name == "other")
    #expect(loaded.recipe.adapters.first?.method.name == "lora")
    #expect(loaded.recipe.adapters.first?.method.options.forwarded.map(\.value.plain) == [16])
    let split = loaded.recipe.data.split.method.options.fields
    #expect(split.map(\.value.plain) == [[0.5, 0.5]])
    #expect(loaded.recipe.resolved(by: loaded.diagnostics).value["base"] == nil)
  }

  @Test("of a list the later wins, and paths belong to the file that names them")
  func lists() throws {
    let loaded = try load([
      "shared/first.yaml": minimalRecipe.replacing("weights: none", with: "weights: w.pth"),
      "shared/second.yaml": "seed: 4\ntrain: {epochs: 9}",
      "recipe.yaml": "base: [shared/first.yaml, shared/second.yaml]\nseed: 5",
    ])
    #expect(loaded.messages == [])
    #expect(loaded.recipe.seed == 5)
    #expect(loaded.recipe.train.length == .epochs(9))
    guard case .file(let path) = loaded.recipe.model.weights else {
      Issue.record("no weights file")
      return
    }
    #expect(path.hasSuffix("/shared/w.pth"))
  }

  @Test("circles and missing files are errors at their place")
  func errors() throws {
    let circle = try load([
      "recipe.yaml": "base: other.yaml\n" + minimalRecipe, "other.yaml": "base: recipe.yaml",
    ])
    #expect(
      circle.messages.first?.hasSuffix(
        "other.yaml:1:7: base: base files lead in a circle: recipe.yaml -> other.yaml -> recipe.yaml; remove one base"
      ) == true)
    let missing = try load(["recipe.yaml": "base: other.yaml\n" + minimalRecipe])
    #expect(missing.messages.count == 1)
    #expect(
      missing.messages.first?.contains("recipe.yaml:1:7: base: base file ") == true
        && missing.messages.first?.hasSuffix(
          "/other.yaml does not exist; names are relative to this file") == true
    )
  }

  @Test("errors in a base file name that file")
  func places() throws {
    let loaded = try load([
      "base.yaml": minimalRecipe.replacing("r: 4", with: "bais: all"),
      "recipe.yaml": "base: base.yaml",
    ])
    let adapter = try #require(loaded.recipe.adapters.first)
    let table: OptionTable = [Option("r", .integer, default: 8, "rank")]
    _ = OptionReader(adapter.method, table, loaded.diagnostics)
    #expect(
      loaded.messages.first?.hasSuffix(
        "/base.yaml:9:3: adapter.bais: unknown key; did you mean adapter.bias?") == true)
  }
}
