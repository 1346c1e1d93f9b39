import Recipes
import Testing

@Suite("Overrides")
struct OverrideTests {
  @Test("replace, add and remove values, the later one winning")
  func values() throws {
    let recipe = try loaded(
      minimalRecipe,
      overrides: [
        "train.epochs=3", "train.epochs=5", "train.ema=0.99", "~train.ema", "seed=7",
        "adapter.target_modules=[\"attn.qkv[q,v]\"]", "data.inputs.s2.bands=[07_red]",
        "train.optimizer.lr=1e-2",
      ]
    ).recipe
    #expect(recipe.train.length == .epochs(5))
    #expect(recipe.train.averageDecay == nil)
    #expect(recipe.seed == 7)
    #expect(recipe.adapters.first?.targetModules == ["attn.qkv[q,v]"])
    #expect(recipe.data.inputs.first?.bands == [.name("07_red")])
    #expect(recipe.train.optimizer.options.fields.map(\.value.plain) == [.number(1e-2)])
  }

  @Test("reach into lists by position")
  func lists() throws {
    let text = minimalRecipe.replacing(
      "  split:", with: "  transforms: [{name: crop, size: 32}, flip]\n  split:")
    let recipe = try loaded(
      text, overrides: ["data.transforms.0.size=64", "data.transforms.1.p=0.5"]
    ).recipe
    #expect(recipe.data.transforms.map(\.name) == ["crop", "flip"])
    #expect(
      recipe.data.transforms.map { $0.options.fields.map(\.value.plain) } == [[64], [0.5]])
    let removed = try loaded(text, overrides: ["~data.transforms.0"]).recipe
    #expect(removed.data.transforms.map(\.name) == ["flip"])
  }

  @Test("keys with dots are reached plainly or in quotes")
  func dottedKeys() throws {
    let text = minimalRecipe + "\nsweep: {adapter.r: [4]}"
    let recipe = try loaded(
      text, overrides: ["sweep.adapter.r=[8, 16]", "adapter.rank_pattern.\"attn.qkv\"=3"]
    ).recipe
    #expect(recipe.sweep?.axes.map(\.path) == ["adapter.r"])
    #expect(recipe.sweep?.axes.first?.values.map(\.plain) == [8, 16])
    #expect(recipe.adapters.first?.rankPattern.map(\.pattern) == ["attn.qkv"])
  }

  @Test("paths are relative to the current directory, the file's to the file")
  func paths() throws {
    let recipe = try loaded(
      minimalRecipe.replacing("weights: none", with: "weights: w/a.pth"),
      overrides: ["data.root=d"]
    ).recipe
    #expect(recipe.model.weights == .file("/recipes/w/a.pth"))
    #expect(recipe.data.root == "/current/d")
  }

  @Test("an alias overrides the field that the file spells otherwise")
  func aliases() throws {
    let loaded = try loaded(
      minimalRecipe, overrides: ["adapter.lora_r=16", "output_dir=/runs", "adapter={rank: 32}"])
    #expect(loaded.recipe.output.directory == "/runs")
    #expect(
      loaded.messages == [
        "--set \"adapter={rank: 32}\": adapter.method: required key is missing; expected the name of an adapter method"
      ])
  }

  @Test(
    "errors name the override",
    arguments: [
      (
        "train.epoch=3",
        "--set \"train.epoch=3\": train.epoch: unknown key; did you mean train.epochs?"
      ),
      (
        "train.epochs=many",
        "--set \"train.epochs=many\": train.epochs: expected a whole number, found \"many\""
      ),
      (
        "train", "--set \"train\": train is no override; write a.b.c=VALUE, or ~a.b to remove a key"
      ),
      (".x=1", "--set \".x=1\": .x=1 is no override; write a.b.c=VALUE, or ~a.b to remove a key"),
      ("~train.ema", "--set \"~train.ema\": train.ema: there is no such key to remove"),
      (
        "version.x=1",
        "--set \"version.x=1\": version.x: expected a map or a list on the way, found 1"
      ),
      (
        "data.split.fractions.3=1",
        "--set \"data.split.fractions.3=1\": data.split.fractions.3: the list has 3 elements, counted from 0; change one of them or give the whole list"
      ),
      ("seed=[1", "--set \"seed=[1\":2:1: not YAML: did not find expected ',' or ']'"),
    ])
  func errors(override: String, expected: String) {
    #expect(messages(minimalRecipe, overrides: [override]) == [expected])
  }
}
