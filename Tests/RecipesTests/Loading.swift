import Foundation
import Recipes

/// A recipe with the least that a recipe needs.
let minimalRecipe = """
  version: 1
  name: minimal
  task: pde
  model:
    backbone: {name: morph, size: Ti}
    weights: none
  adapter:
    method: lora
    r: 4
  data:
    format: pdebench
    split: {method: trajectory, fractions: [0.8, 0.1, 0.1]}
  train:
    epochs: 2
    optimizer: {name: adamw, lr: 1e-3}
  """

/// What loading a recipe text gave.
struct Loaded {
  let recipe: Recipe
  let diagnostics: Diagnostics

  var messages: [String] { Self.messages(of: diagnostics) }

  static func messages(of diagnostics: Diagnostics) -> [String] {
    diagnostics.hasErrors
      ? RecipeError(diagnostics).description.split(separator: "\n").map(String.init) : []
  }
}

func loaded(
  _ text: String, overrides: [String] = [], environment: [String: String] = [:]
) throws -> Loaded {
  let diagnostics = Diagnostics()
  let recipe = try RecipeLoader(environment: environment).load(
    text: text, source: "recipe.yaml", directory: "/recipes",
    overrides: overrides.map { Override($0, directory: "/current") }, diagnostics)
  return Loaded(recipe: recipe, diagnostics: diagnostics)
}

/// Errors of a recipe text, also where it has no tree at all.
func messages(
  _ text: String, overrides: [String] = [], environment: [String: String] = [:]
) -> [String] {
  do {
    return try loaded(text, overrides: overrides, environment: environment).messages
  } catch {
    return "\(error)".split(separator: "\n").map(String.init)
  }
}

/// The minimal recipe with one line replaced.
func minimalRecipe(replacing line: String, with other: String) -> String {
  minimalRecipe.replacing(line, with: other)
}

/// A value read from YAML, for tests of option tables.
func located(_ yaml: String, _ diagnostics: Diagnostics) -> Located {
  YAMLReader.read(yaml, source: "part.yaml", directory: "/parts", diagnostics: diagnostics)
    ?? Located(.null, at: SourceLocation(source: "part.yaml"))
}

/// A folder that is removed afterwards.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("recipes-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path)
}
