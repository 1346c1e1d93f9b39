import Adapters
import Checkpoints
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Targets of an adapter")
struct TargetResolutionTests {
  private let tree: ModuleTree

  init() {
    let builder = ModelBuilder()
    for block in 0..<3 {
      let scope = builder.root / "blocks" / block
      _ = LayerNorm(scope / "norm", width: 4, epsilon: 1e-5)
      _ = Linear(
        scope / "attn" / "qkv", inputs: 4, outputs: 12, groups: ["attention", "all-linear"],
        rowNames: [("q", 0..<4), ("k", 4..<8), ("v", 8..<12)])
      _ = Linear(scope / "attn" / "proj", inputs: 4, outputs: 4, groups: ["attention"])
      _ = Linear(scope / "mlp" / "fc1", inputs: 4, outputs: 8, groups: ["mlp", "all-linear"])
    }
    _ = Linear(builder.root / "head", inputs: 4, outputs: 2, groups: ["head"])
    tree = builder.tree
  }

  /// Targets as text: path, rows where not all, rank and alpha.
  private func targets(
    _ patterns: [String], defaults: [String] = [], lowRank: LowRank? = LowRank(rank: 8),
    _ adjust: (inout AdapterSettings) throws -> Void = { _ in }
  ) throws -> [String] {
    var settings = AdapterSettings(name: "test", method: "lora")
    settings.targets = try patterns.map { try Pattern($0) }
    try adjust(&settings)
    return try settings.resolveTargets(in: tree, defaults: defaults, lowRank: lowRank).map {
      $0.path(to: "r\($0.rank)a\(Int($0.alpha))")
    }
  }

  @Test("are named by group, suffix, wildcard or expression, each weight once")
  func patterns() throws {
    let projections = (0..<3).map { "blocks.\($0).attn.proj.r8a8" }
    #expect(try targets(["proj"]) == projections)
    #expect(try targets(["blocks.*.attn.pro?"]) == projections)
    #expect(try targets([#"re:blocks\.\d\.attn\.proj"#]) == projections)
    #expect(try targets(["attn.proj", "proj", "blocks.1.attn.proj"]) == projections)
    #expect(try targets(["mlp"]).count == 3)
    #expect(try targets(["attention"]).count == 6)
    #expect(try targets(["all-linear"]).count == 6)
    #expect(try targets([], defaults: ["head"]) == ["head.r8a8"])
  }

  @Test("can be rows of a fused matrix, by name or number")
  func rows() throws {
    #expect(
      try targets(["blocks.1.attn.qkv[q,v]"]) == [
        "blocks.1.attn.qkv[0:4].r8a8", "blocks.1.attn.qkv[8:12].r8a8",
      ])
    #expect(try targets(["blocks.0.mlp.fc1[2:5]"]) == ["blocks.0.mlp.fc1[2:5].r8a8"])
    #expect(try targets(["blocks.0.mlp.fc1[0:8]"]) == ["blocks.0.mlp.fc1.r8a8"])
  }

  @Test("can be left out, by pattern, by block, or with rank 0")
  func exclusions() throws {
    let first = "blocks.0.attn.proj.r8a8"
    #expect(
      try targets(["proj"]) {
        $0.excluded = [try Pattern("blocks.1.attn.proj"), try Pattern("re:.*2.*")]
      } == [first])
    #expect(try targets(["proj"]) { $0.layers = [0] } == [first])
    #expect(try targets(["proj", "head"]) { $0.layers = [0] } == [first])
    #expect(
      try targets(["proj"]) {
        $0.rankPattern = [(try Pattern("blocks.1.attn.proj"), 0), (try Pattern("blocks.2.*.*"), 0)]
      } == [first])
  }

  @Test("take rank and alpha from the first pattern that fits; alpha follows the rank")
  func exceptions() throws {
    let found = try targets(["proj"], lowRank: LowRank(rank: 8)) {
      $0.rankPattern = [(try Pattern("blocks.0.attn.proj"), 2), (try Pattern("proj"), 3)]
      $0.alphaPattern = [(try Pattern("blocks.2.attn.proj"), 7)]
    }
    #expect(
      found == ["blocks.0.attn.proj.r2a2", "blocks.1.attn.proj.r3a3", "blocks.2.attn.proj.r3a7"])
    #expect(
      try targets(["head"], lowRank: LowRank(rank: 4, alpha: 16)) == ["head.r4a16"])
  }

  @Test("that are not there are named with groups and examples")
  func matchesNothing() throws {
    let error = #expect(throws: AdapterError.self) { try targets(["attn.query"]) }
    let text = try #require(error).description
    #expect(text.hasPrefix("adapter.target_modules: pattern 'attn.query' matches no module"))
    #expect(text.contains("Groups: all-linear, attention, head, mlp"))
    #expect(text.contains("blocks.*.attn.qkv, blocks.*.attn.proj, blocks.*.mlp.fc1, head"))
    #expect(try #require(error).exitCode == .invalidRecipe)
    let fields: [(String, (inout AdapterSettings) throws -> Void)] = [
      ("adapter.exclude_modules", { $0.excluded = [try Pattern("tail")] }),
      ("adapter.rank_pattern", { $0.rankPattern = [(try Pattern("tail"), 2)] }),
      ("adapter.alpha_pattern", { $0.alphaPattern = [(try Pattern("tail"), 2)] }),
    ]
    for (field, adjust) in fields {
      let error = #expect(throws: AdapterError.self) { try targets(["head"], adjust) }
      #expect(try #require(error).description.hasPrefix(field))
    }
    #expect(throws: AdapterError.noTargets(method: "lora")) { try targets([]) }
    #expect(throws: AdapterError.noTargets(method: "lora")) {
      try targets(["head"]) { $0.excluded = [try Pattern("head")] }
    }
  }

  @Test("with unknown rows are refused with the names that there are")
  func unknownRows() throws {
    let error = #expect(throws: AdapterError.self) { try targets(["attn.qkv[q,w]"]) }
    let text = try #require(error).description
    #expect(text.contains("blocks.0.attn.qkv has 12 rows in the parts q, k, v"))
    #expect(throws: AdapterError.self) { try targets(["head[0:3]"]) }
  }

  @Test("stand beside base values that are trained and saved in full")
  func savedModules() throws {
    var settings = AdapterSettings(name: "test", method: "lora")
    settings.targets = [try Pattern("attn.proj")]
    settings.modulesToSave = [try Pattern("norm"), try Pattern("head")]
    settings.bias = .adapted
    let adapter = try AttachedAdapter(
      settings, method: LoRA(LowRank(rank: 2)), on: tree, defaults: [], seed: 0)
    let names =
      (0..<3).flatMap { ["blocks.\($0).norm.weight", "blocks.\($0).norm.bias"] }
      + ["head.weight", "head.bias"] + (0..<3).map { "blocks.\($0).attn.proj.bias" }
    #expect(adapter.saved.map(\.path) == names)
    let model = AdaptedModel(tree: tree, adapters: [adapter], freezesBackbone: true)
    #expect(model.trainableCount == 3 * 2 * (4 + 4) + 3 * 8 + 10 + 12)
    #expect(model.totalCount == tree.parameterCount + 48)

    let folder = try TemporaryDirectory()
    tree.initialize(seed: 4)
    let values = adapter.saved.map { $0.value.copied() }
    try adapter.save(to: folder.path("adapter"), base: nil, baseDigest: "d", on: tree)
    tree.initialize(seed: 5)
    try adapter.load(
      from: try PEFTDirectory(reading: folder.path("adapter")), baseDigest: "d",
      names: ModuleNames(tree))
    #expect(adapter.saved.map(\.value.bits) == values.map(\.bits))
    settings.modulesToSave = [try Pattern("neck")]
    #expect(throws: AdapterError.self) { try settings.savedParameters(in: tree, adapted: []) }
  }
}
