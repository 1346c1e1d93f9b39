import Recipes
import Testing

/// A change to the minimal recipe, and the errors it must give, to the letter.
struct MessageCase: Sendable, CustomTestStringConvertible {
  let line: String
  let other: String
  let expected: [String]

  /// Replaces `line` by `other`.
  init(_ line: String, _ other: String, _ expected: String...) {
    self.line = line
    self.other = other
    self.expected = expected
  }

  var testDescription: String { other.isEmpty ? "without \(line)" : other }
}

@Suite("Error messages")
struct MessageTests {
  @Test(
    "say what, where, expected and found, and how to mend it",
    arguments: MessageCase.keys + MessageCase.types + MessageCase.rules)
  func text(example: MessageCase) {
    #expect(
      messages(minimalRecipe(replacing: example.line, with: example.other)) == example.expected)
  }

  @Test("two unknown keys are both named, in the order of the file")
  func twoUnknownKeys() {
    let text = minimalRecipe.replacing("  epochs: 2", with: "  epochs: 2\n  presicion: bf16")
      .replacing("  split:", with: "  bathc_size: 4\n  split:")
    #expect(
      messages(text) == [
        "recipe.yaml:12:3: data.bathc_size: unknown key; did you mean data.batch_size?",
        "recipe.yaml:16:3: train.presicion: unknown key; did you mean train.precision?",
      ])
  }

  @Test("an invalid recipe ends with 78, a missing one with 66")
  func exitCodes() throws {
    let error = #expect(throws: RecipeError.self) { try loaded("- a list") }
    #expect(error?.exitCode == .invalidRecipe)
    #expect(error?.exitCode.rawValue == 78)
    let missing = #expect(throws: RecipeError.self) {
      try RecipeLoader().load(file: "/nowhere/recipe.yaml", Diagnostics())
    }
    #expect(missing?.exitCode.rawValue == 66)
    #expect(
      missing?.description
        == "/nowhere/recipe.yaml: no such file; check the name, or run where relative names lead to it"
    )
  }

  @Test("aliases are read, each with a note")
  func aliases() throws {
    let text = minimalRecipe.replacing("  r: 4", with: "  lora_r: 4\n  lora_alpha: 8")
      .replacing("  epochs: 2", with: "  max_epochs: 2\n  output_dir: runs")
      .replacing("  split:", with: "  micro_batch_size: 4\n  train_data_root: d\n  split:")
      .replacing("weights: none", with: "backbone_ckpt_path: w.pth")
    let loaded = try loaded(text)
    #expect(loaded.messages == [])
    #expect(
      loaded.diagnostics.notes.map(\.description) == [
        "recipe.yaml:18:3: train.output_dir: read as output.dir",
        "recipe.yaml:6:3: model.backbone_ckpt_path: read as model.weights",
        "recipe.yaml:9:3: adapter.lora_r: read as adapter.r",
        "recipe.yaml:10:3: adapter.lora_alpha: read as adapter.alpha",
        "recipe.yaml:13:3: data.micro_batch_size: read as data.batch_size",
        "recipe.yaml:14:3: data.train_data_root: read as data.root",
        "recipe.yaml:17:3: train.max_epochs: read as train.epochs",
      ])
    #expect(loaded.recipe.train.length == .epochs(2))
    #expect(loaded.recipe.output.directory == "/recipes/runs")
    #expect(loaded.recipe.data.batchSize == 4)
    #expect(loaded.recipe.data.root == "/recipes/d")
    #expect(loaded.recipe.model.weights == .file("/recipes/w.pth"))
  }

  @Test("fields of the only input may stand directly under data")
  func fieldsOfTheOnlyInput() throws {
    let text = minimalRecipe.replacing(
      "  split:", with: "  inputs: {state: {}}\n  bands: [a]\n  class_names: [b]\n  split:")
    let loaded = try loaded(text)
    #expect(loaded.messages == [])
    #expect(loaded.recipe.data.inputs.first?.bands == [.name("a")])
    #expect(loaded.recipe.data.target.classNames == ["b"])
    #expect(
      loaded.diagnostics.notes.map(\.description) == [
        "recipe.yaml:13:3: data.bands: read as data.inputs.state.bands",
        "recipe.yaml:14:3: data.class_names: read as data.target.class_names",
      ])
    let two = text.replacing("{state: {}}", with: "{state: {}, other: {}}")
    #expect(
      messages(two).first?.hasPrefix("recipe.yaml:13:3: data.bands: unknown key") == true)
  }
}

extension MessageCase {
  static let keys: [MessageCase] = [
    .init(
      "  epochs: 2", "  epohcs: 2",
      "recipe.yaml:14:3: train.epohcs: unknown key; did you mean train.epochs?"),
    .init(
      "epochs: 2", "epochs: 2\n  batch_size: 4",
      "recipe.yaml:15:3: train.batch_size: unknown key; did you mean data.batch_size?"),
    .init(
      "task: pde", "task: pde\nmodle: {}",
      "recipe.yaml:4:1: modle: unknown key; did you mean model?"),
    .init(
      "task: pde", "task: pde\ndistributed: {zzz: 1}",
      "recipe.yaml:4:15: distributed.zzz: unknown key; known here: backend, nodes, ranks_per_node, slurm, threads"
    ),
    .init(
      "task: pde", "task: pde\ntask: pde",
      "recipe.yaml:3:1: task: the key stands twice in this map; keep one"),
    .init(
      "task: pde", "task: pde\nsweep: {1: [2], \"1\": [3]}",
      "recipe.yaml:4:9: sweep.1: a recipe has no field of this path; write its full dotted path",
      "recipe.yaml:4:17: sweep.1: the key stands twice in this map, first at recipe.yaml:4:9; keep one"
    ),
    .init(
      "task: pde\n", "",
      "recipe.yaml:1:1: task: required key is missing; expected the name of a task (what is learned)"
    ),
    .init(
      "  weights: none\n", "",
      "recipe.yaml:5:3: model.weights: required key is missing; expected none or a path (file of pretrained weights; none must be written out)"
    ),
    .init(
      "name: adamw, ", "",
      "recipe.yaml:15:14: train.optimizer.name: required key is missing; expected the name of an optimizer"
    ),
    .init(
      "r: 4", "r: 4\n  rank: 5",
      "recipe.yaml:10:3: adapter.rank: r and rank are one field, the other stands at recipe.yaml:9:3; keep one"
    ),
    .init(
      "task: pde", "task: pde\noutput_dir: a\noutput: {dir: b}",
      "recipe.yaml:4:1: output_dir: output_dir and output.dir are one field, the other stands at recipe.yaml:5:10; keep one"
    ),
    .init(
      "task: pde", "task: pde\n<<: {a: 1}",
      "recipe.yaml:4:1: merge keys (<<) are not read; use base: or write the fields out"),
    .init(
      "task: pde", "task: [pde", "recipe.yaml:4:6: not YAML: did not find expected ',' or ']'"),
    .init(
      "task: pde", "task: !python pde",
      "recipe.yaml:3:7: task: the tag !python has no meaning in a recipe; remove it"),
  ]

  static let types: [MessageCase] = [
    .init(
      "name: minimal", "name: 12",
      "recipe.yaml:2:7: name: expected text, found 12; put it in quotes"),
    .init(
      "weights: none", "weights:",
      "recipe.yaml:6:11: model.weights: expected none or a path, found nothing; give a value, or remove the key"
    ),
    .init(
      "weights: none", "weights: none\n  freeze_backbone: yes",
      "recipe.yaml:7:20: model.freeze_backbone: expected true or false, found \"yes\"; write true"),
    .init(
      "weights: none", "weights: none\n  freeze_backbone: Off",
      "recipe.yaml:7:20: model.freeze_backbone: expected true or false, found \"Off\"; write false"),
    .init(
      "weights: none", "weights: none\n  strict: false",
      "recipe.yaml:7:11: model.strict: expected true or report, found false"),
    .init(
      "weights: none", "weights: none\n  img_size: [1, 2, 3]",
      "recipe.yaml:7:13: model.img_size: expected 2 values, found 3"),
    .init(
      "epochs: 2", "epochs: 1e3",
      "recipe.yaml:14:11: train.epochs: expected a whole number, found 1000.0; write 1000"),
    .init(
      "epochs: 2", "epochs: 2\n  clip_grad_norm: \"0.5\"",
      "recipe.yaml:15:19: train.clip_grad_norm: expected a number, found \"0.5\"; remove the quotes"
    ),
    .init(
      "epochs: 2", "epochs: 2\n  precision: fp16",
      "recipe.yaml:15:14: train.precision: expected fp32 or bf16, found \"fp16\"; did you mean bf16?"
    ),
    .init(
      "epochs: 2", "epochs: 2\n  eval_every: 5 steps",
      "recipe.yaml:15:15: train.eval_every: expected a number of steps or \"N epochs\", found \"5 steps\""
    ),
    .init(
      "optimizer: {name: adamw, lr: 1e-3}", "optimizer: [adamw]",
      "recipe.yaml:15:14: train.optimizer: expected the name of an optimizer, or a map with its name and options, found a list"
    ),
    .init(
      "r: 4", "r: 4\n  target_modules: attention",
      "recipe.yaml:10:19: adapter.target_modules: expected a list, each a module pattern, found \"attention\"; write it in brackets"
    ),
    .init(
      "r: 4", "r: 4\n  target_modules: [attention, 3]",
      "recipe.yaml:10:31: adapter.target_modules.1: expected a module pattern, found 3; put it in quotes"
    ),
    .init(
      "task: pde", "task: pde\neval: nothing",
      "recipe.yaml:4:7: eval: expected a map, found \"nothing\""),
  ]

  static let rules: [MessageCase] = [
    .init(
      "version: 1", "version: 2",
      "recipe.yaml:1:10: version: recipes of version 2 are not known to this program; write version: 1, or use a newer program"
    ),
    .init(
      "name: minimal", "name: a/b",
      "recipe.yaml:2:7: name: \"a/b\" cannot name a folder; use letters, digits, and . _ + - after the first"
    ),
    .init(
      "task: pde", "seed: -1\ntask: pde", "recipe.yaml:3:7: seed: expected a number >= 0, found -1"),
    .init(
      "epochs: 2", "epochs: 2\n  ema: 1",
      "recipe.yaml:15:8: train.ema: expected a number in (0, 1), found 1.0"),
    .init(
      "epochs: 2", "epochs: 2\n  max_steps: 5",
      "recipe.yaml:14:3: train: epochs and max_steps both say how long to train; keep one"),
    .init(
      "  epochs: 2\n", "",
      "recipe.yaml:14:3: train: nothing says how long to train; give epochs or max_steps"),
    .init(
      "epochs: 2", "epochs: 2\n  lr_groups: [{match: [a]}]",
      "recipe.yaml:15:15: train.lr_groups.0: the group changes nothing; give lr or weight_decay"),
    .init(
      "format: pdebench", "format: pdebench\n  max_skipped: 1.5",
      "recipe.yaml:12:16: data.max_skipped: 1.5 is neither a whole number nor a share; write a whole number, or a share up to 1.0"
    ),
    .init(
      "format: pdebench", "format: pdebench\n  inputs: {a: {path: x, component: y}}",
      "recipe.yaml:12:36: data.inputs.a.component: path and component both say where the values are; keep one"
    ),
    .init(
      "format: pdebench", "format: pdebench\n  inputs: {a: {wavelengths: {file: x, variable: y}}}",
      "recipe.yaml:12:29: data.inputs.a.wavelengths: wavelengths come from one place; give one of variable, file, linear"
    ),
    .init(
      "format: pdebench", "format: pdebench\n  card: x",
      "recipe.yaml:12:9: data.card: no folder of data set cards is known; give the card as a file"),
    .init(
      "format: pdebench", "format: pdebench\n  sources: []",
      "recipe.yaml:11:3: data.sources: no data set is listed; give one at least"),
    .init(
      "  method: lora\n  r: 4", "  - {method: lora}\n  - {method: lora}",
      "recipe.yaml:9:5: adapter.1: two adapters are called lora; give each its own name"),
    .init(
      "task: pde", "task: pde\nsweep: {adapter.r: 4, trian.epochs: [1]}",
      "recipe.yaml:4:20: sweep.\"adapter.r\": expected a list of values, found 4; write it in brackets",
      "recipe.yaml:4:23: sweep.\"trian.epochs\": a recipe has no field of this path; write its full dotted path"
    ),
  ]
}
