import Recipes
import Testing

@Suite("Resolved recipes")
struct ResolvedTests {
  private static let optimizer: OptionTable = [
    Option("lr", .number, default: .required, aliases: ["learning_rate"], "rate"),
    Option("betas", .list(.number, count: 2...2), default: [0.9, 0.999], "decays"),
  ]
  private static let lora: OptionTable = [
    Option("r", .integer, default: 8, "rank"),
    Option("alpha", .number, default: .described("r"), "scaling"),
    Option("dropout", .number, default: 0, "dropout"),
    Option("start", .path, default: .absent, "a file"),
  ]
  private static let backbone: OptionTable = [
    Option("size", .text, default: "Ti", "which"),
    Option("dim", .integer, default: .absent, "width"),
  ]

  /// Loads a recipe and reads its components, as the assembly does.
  private func resolved(_ text: String, overrides: [String] = []) throws -> ResolvedRecipe {
    let loaded = try loaded(text, overrides: overrides)
    let (recipe, diagnostics) = (loaded.recipe, loaded.diagnostics)
    _ = OptionReader(recipe.model.backbone, Self.backbone, diagnostics)
    for adapter in recipe.adapters { _ = OptionReader(adapter.method, Self.lora, diagnostics) }
    _ = OptionReader(recipe.train.optimizer, Self.optimizer, diagnostics)
    _ = OptionReader(recipe.train.scheduler, [], diagnostics)
    _ = OptionReader(recipe.data.format, [], diagnostics)
    _ = OptionReader(
      recipe.data.split.method,
      [Option("fractions", .list(.number), default: .required, "shares")], diagnostics)
    diagnostics.refuseUnread()
    #expect(Loaded.messages(of: diagnostics) == [])
    return recipe.resolved(by: diagnostics)
  }

  private func digest(_ text: String, overrides: [String] = []) throws -> String {
    try resolved(text, overrides: overrides).digest { _, path in "content of \(path)" }
  }

  @Test("write out defaults, own names and absolute paths, section by section")
  func text() throws {
    let text = minimalRecipe.replacing("r: 4", with: "rank: 4\n  start: a.bin")
      .replacing("lr: 1e-3", with: "learning_rate: 1e-3")
    let yaml = try resolved(text).yaml
    #expect(
      yaml.hasPrefix(
        """
        version: 1
        name: minimal
        seed: 0
        task: pde
        model:
          backbone:
            name: morph
            size: Ti
          weights: none
          strict: true
          fusion: native
          channel_policy: refuse
          head_dropout: 0.0
          aux_heads: []
          freeze_backbone: true
          freeze_decoder: false
        adapter:
          method: lora
          name: lora
          r: 4
          dropout: 0.0
          exclude_modules: []
          modules_to_save: []
          bias: none
          rank_pattern: {}
          alpha_pattern: {}
          start: /recipes/a.bin
        data:
          format:
            name: pdebench
          root: /recipes
        """))
    #expect(yaml.contains("optimizer:\n    name: adamw\n    lr: 0.001\n    betas: [0.9, 0.999]\n"))
    #expect(yaml.contains("  lr_scheduler:\n    name: constant\n"))
    #expect(try resolved(yaml).yaml == yaml)
  }

  @Test(
    "keep the digest when nothing that decides the result changes",
    arguments: [
      "name=other", "seed=9", "output.dir=elsewhere", "tracking.mlflow=true",
      "sweep={train.epochs: [1]}", "train.resume=never", "train.log_every=1",
      "data.num_workers=3", "data.cache=memory", "train.save_total_limit=2", "adapter.name=lora",
      "train.optimizer.betas=[0.9, 0.999]", "train.optimizer.lr=0.001", "adapter.dropout=0",
      "model.freeze_backbone=true",
    ])
  func unchanged(override: String) throws {
    #expect(try digest(minimalRecipe, overrides: [override]) == digest(minimalRecipe))
  }

  @Test(
    "change the digest with everything else",
    arguments: [
      "train.epochs=3", "adapter.r=5", "train.optimizer.lr=1e-4", "model.backbone.size=S",
      "data.split.seed=1", "distributed.threads=2", "train.save_total_limit=3", "task=regression",
      "data.root=other", "model.freeze_backbone=false",
    ])
  func changed(override: String) throws {
    #expect(try digest(minimalRecipe, overrides: [override]) != digest(minimalRecipe))
  }

  @Test("do not depend on spelling, order of fields, or on a list around one adapter")
  func spelling() throws {
    let reordered = minimalRecipe.replacing("  epochs: 2\n", with: "")
      .replacing("lr: 1e-3}", with: "lr: 0.001}\n  num_epochs: 2")
      .replacing("  method: lora\n  r: 4", with: "  - {rank: 4, method: lora}")
    #expect(try digest(reordered) == digest(minimalRecipe))
    #expect(try digest(resolved(minimalRecipe).yaml) == digest(minimalRecipe))
  }

  @Test("depend on the order of patterns, of which the first wins")
  func patternOrder() throws {
    let one = minimalRecipe.replacing("r: 4", with: "r: 4\n  rank_pattern: {a: 1, b: 2}")
    let other = minimalRecipe.replacing("r: 4", with: "r: 4\n  rank_pattern: {b: 2, a: 1}")
    #expect(try digest(one) != digest(other))
  }

  @Test("replace each path by the digest of its content, by field")
  func paths() throws {
    let text = minimalRecipe.replacing("weights: none", with: "weights: w.pth")
    var fields: [String] = []
    let first = try resolved(text).digest { field, path in
      fields.append("\(field) \(path)")
      return "same content"
    }
    #expect(fields == ["model.weights /recipes/w.pth", "data.root /recipes"])
    let moved = try resolved(text, overrides: ["model.weights=/other/w.pth"]).digest { _, _ in
      "same content"
    }
    #expect(moved == first)
    #expect(try resolved(text).digest { field, _ in field } != first)
  }

  @Test("several sources take what stands beside the list")
  func sources() throws {
    let text = minimalRecipe.replacing(
      "  split:",
      with: "  batch_size: 4\n  sources:\n    - {name: a, root: x}\n"
        + "    - {name: b, weight: 2, batch_size: 6, split: {fractions: [0.5, 0.5]}}\n  split:")
    let first = try loaded(text)
    #expect(first.messages == [])
    #expect(first.recipe.sources.map(\.name) == ["a", "b"])
    #expect(first.recipe.sources.map(\.weight) == [1, 2])
    #expect(first.recipe.sources.map(\.data.batchSize) == [4, 6])
    #expect(first.recipe.sources.map(\.data.root) == ["/recipes/x", "/recipes"])
    #expect(first.recipe.sources.map(\.data.split.method.name) == ["trajectory", "trajectory"])
    #expect(first.recipe.data.root == "/recipes/x")
    let yaml = first.recipe.resolved(by: first.diagnostics).yaml
    let second = try loaded(yaml)
    #expect(second.messages == [])
    #expect(second.recipe.resolved(by: second.diagnostics).yaml == yaml)
  }

  @Test(
    "texts that look like something else come back as texts",
    arguments: [
      "yes", "1e-4", "null", "", " a", "a: b", "#x", "é", "a\"b\\c\n\t\u{1}", "*", "- a", "[a]",
      "true", "0x10", "~", "a,b", "a #b", "2020-01-01", "${", "attn.qkv[q,v]", "/a b/c.d",
    ])
  func texts(text: String) throws {
    let value = PlainValue.map([.init(text, .list([.text(text), .map([.init("k", .text(text))])]))])
    let diagnostics = Diagnostics()
    let yaml = YAMLWriter.text(of: value)
    #expect(located(yaml.replacing("$${", with: "${"), diagnostics).plain == value)
    #expect(diagnostics.errors.isEmpty)
  }

  @Test(
    "numbers come back bit by bit",
    arguments: [0.1, 1e-5, 3e20, -0.0, .leastNonzeroMagnitude, .infinity, 1.0])
  func numbers(number: Double) throws {
    let yaml = YAMLWriter.text(of: ["n": .number(number)])
    let read = located(yaml, Diagnostics())["n"]?.plain
    guard case .number(let value) = read else {
      Issue.record("\(yaml) was read as \(String(describing: read))")
      return
    }
    #expect(value.bitPattern == number.bitPattern)
  }
}
