import Recipes
import Testing

@Suite("References")
struct InterpolationTests {
  @Test("take values of any type, and parts of texts")
  func values() throws {
    let text =
      minimalRecipe.replacing("weights: none", with: "weights: \"${data.root}/w.pth\"")
      .replacing("  split:", with: "  root: fields\n  batch_size: ${train.epochs}\n  split:")
      + "\noutput: {dir: \"${env:RUNS}/${name}-${seed}\"}\nseed: 3"
    let loaded = try loaded(text, environment: ["RUNS": "/scratch"])
    #expect(loaded.messages == [])
    #expect(loaded.recipe.data.batchSize == 2)
    #expect(loaded.recipe.model.weights == .file("/recipes/fields/w.pth"))
    #expect(loaded.recipe.output.directory == "/scratch/minimal-3")
  }

  @Test("see overrides")
  func overrides() throws {
    let text = minimalRecipe.replacing("  split:", with: "  batch_size: ${train.epochs}\n  split:")
    #expect(try loaded(text, overrides: ["train.epochs=9"]).recipe.data.batchSize == 9)
  }

  @Test("copy whole maps")
  func maps() throws {
    let text = minimalRecipe.replacing(
      "  method: lora\n  r: 4",
      with: "  - {name: a, method: lora, init: {name: eva, rho: 2.0}}\n"
        + "  - {name: b, method: lora, init: \"${adapter.0.init}\"}")
    let recipe = try loaded(text).recipe
    #expect(recipe.adapters.map(\.initialization?.name) == ["eva", "eva"])
    #expect(recipe.adapters.last?.initialization?.path == "adapter.1.init")
  }

  @Test("environment variables have defaults and are read as YAML scalars")
  func environment() throws {
    let text = minimalRecipe + "\nseed: ${env:SEED,5}"
    #expect(try loaded(text).recipe.seed == 5)
    #expect(try loaded(text, environment: ["SEED": "11"]).recipe.seed == 11)
  }

  @Test("a doubled dollar sign stands for the text itself")
  func escape() throws {
    let text = minimalRecipe.replacing("r: 4", with: "r: 4\n  target_modules: [\"re:a$${b}\"]")
    let first = try loaded(text)
    #expect(first.recipe.adapters.first?.targetModules == ["re:a${b}"])
    let again = try loaded(first.recipe.resolved(by: first.diagnostics).yaml)
    #expect(again.recipe.adapters.first?.targetModules == ["re:a${b}"])
  }

  @Test(
    "errors name the place",
    arguments: [
      (
        "${train.epohcs}",
        "recipe.yaml:15:7: name: ${train.epohcs} leads to no value of the recipe; give the full dotted path"
      ),
      (
        "${env:NOWHERE}",
        "recipe.yaml:15:7: name: the environment variable NOWHERE is not set; set it, or write ${env:NOWHERE,default}"
      ),
      (
        "x-${seed",
        "recipe.yaml:15:7: name: x-${seed is no reference; write ${a.b}, ${env:NAME} or ${env:NAME,default}, or $${ for the text"
      ),
      (
        "x-${train}",
        "recipe.yaml:15:7: name: expected one value for ${train} inside a text, found a map"
      ),
    ])
  func errors(reference: String, expected: String) {
    let text = minimalRecipe.replacing("name: minimal\n", with: "") + "\nname: \(reference)"
    #expect(messages(text) == [expected])
  }

  @Test("circles are errors")
  func circles() {
    let text =
      minimalRecipe + "\noutput: {dir: \"${eval.split}\"}\neval: {split: \"${output.dir}\"}"
    #expect(
      messages(text).first
        == "recipe.yaml:16:15: output.dir: references lead in a circle: eval.split -> output.dir -> eval.split; write one value out"
    )
    #expect(
      messages(minimalRecipe + "\noutput: {dir: \"${output}\"}").first?
        .contains("references lead in a circle: output -> output") == true)
  }

  @Test("references that grow without bound are refused")
  func growth() {
    var text = minimalRecipe + "\nsweep:\n  train.epochs: [1]\n  tied:\n    - a0: xxxxxxxxxx\n"
    for level in 1...40 {
      let before = "${sweep.tied.0.a\(level - 1)}"
      text += "      a\(level): \"\(before)\(before)\"\n"
    }
    #expect(
      messages(text).contains { $0.contains("grows beyond") || $0.contains("more than 100000") })
  }
}
