import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("S²FT")
struct S2FTTests {
  /// Attention of width 8 with heads of 2, and an MLP with 12 hidden channels.
  private func attached(
    _ options: [(String, PlainValue)], _ targets: [String], seed: UInt64 = 3
  ) throws -> (adapter: AttachedAdapter, tree: ModuleTree) {
    let builder = ModelBuilder()
    let block = builder.root / "blocks" / 0
    _ = Linear(
      block / "attn" / "qkv", inputs: 8, outputs: 24,
      rowNames: [("q", 0..<8), ("k", 8..<16), ("v", 16..<24)])
    _ = Linear(block / "attn" / "proj", inputs: 8, outputs: 8)
    _ = Linear(block / "mlp" / "fc1", inputs: 8, outputs: 12)
    _ = Linear(block / "mlp" / "fc2", inputs: 12, outputs: 8)
    _ = Linear(block / "other", inputs: 12, outputs: 8)
    builder.tree.initialize(seed: 1)
    var settings = AdapterSettings(name: "test", method: "s2ft")
    settings.targets = try targets.map { try Pattern($0) }
    let adapter = try AttachedAdapter(
      settings,
      method: try S2FT.made(
        [("heads", 2), ("head_dim", 2), ("channels", 5)].filter { field in
          !options.contains { $0.0 == field.0 }
        } + options),
      on: builder.tree, defaults: [], seed: seed)
    return (adapter, builder.tree)
  }

  private func units(_ adapter: AttachedAdapter) -> [[Int]] {
    adapter.buffers.map { $0.value.integers }
  }

  @Test("both layers of a pair train the same heads and channels")
  func pairs() throws {
    let all = units(
      try attached([], ["attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"]).adapter)
    #expect(all[0] == all[1].map { $0 + 16 }, "rows of V are columns of proj")
    #expect(all[2] == all[3])
    #expect(all[0].count == 4 && all[2].count == 5)
    for head in 0..<2 { #expect(all[1][2 * head] % 2 == 0, "whole heads") }
    for head in 0..<2 { #expect(all[1][2 * head + 1] == all[1][2 * head] + 1, "whole heads") }
    // One side alone, or the rows of V alone, chooses the same.
    let alone = units(try attached([], ["attn.qkv[v]", "mlp.fc2"]).adapter)
    #expect(alone[0] == all[1] && alone[1] == all[3])
    #expect(units(try attached([], ["mlp.fc1"], seed: 4).adapter) != [all[2]])
    let fixed = try attached([("random_seed", 9)], ["mlp.fc1"], seed: 4).adapter
    #expect(units(fixed) == units(try attached([("random_seed", 9)], ["mlp.fc1"]).adapter))
  }

  @Test("changes rows of the first layer and columns of the second")
  func change() throws {
    let (adapter, tree) = try attached([], ["attn.qkv", "attn.proj"])
    for parameter in adapter.parameters {
      #expect(parameter.value.largestMagnitude == 0)
      parameter.value = Tensor(filledWith: 1, shape: parameter.shape)
    }
    let chosen = units(adapter)
    for (index, module) in adapter.modules.enumerated() {
      let site = module.target.site
      let change = try site.merged().weight - site.weight.value
      for (place, value) in change.doubles.enumerated() {
        let unit = index == 0 ? place / 8 : place % 8
        #expect(abs(value - (chosen[index].contains(unit) ? 1 : 0)) < 1e-6)
      }
    }
    #expect(tree.sites.count == 5)
  }

  @Test("takes units that are named, and refuses what it knows no pair for")
  func slices() throws {
    let slice: PlainValue = .map([
      .init(
        "blocks.0.attn.qkv",
        .map([
          .init("kind", "column"), .init("start", 18), .init("end", 20),
        ]))
    ])
    #expect(units(try attached([("slices", slice)], ["attn.qkv"]).adapter) == [[18, 19]])
    #expect(units(try attached([("slices", slice)], ["attn.qkv[v]"]).adapter) == [[2, 3]])
    let outside = #expect(throws: AdapterError.self) {
      _ = try attached([("slices", slice)], ["attn.qkv[k]"])
    }
    #expect(outside?.description.contains("slices names units 18 to 20") == true)
    let unknown = #expect(throws: AdapterError.self) { _ = try attached([], ["other"]) }
    #expect(unknown?.description.contains("slices") == true)
    let rows = #expect(throws: AdapterError.self) { _ = try attached([], ["attn.qkv[q]"]) }
    #expect(rows?.description.contains("rows of V") == true)
    let width = #expect(throws: AdapterError.self) {
      _ = try attached([("head_dim", 3)], ["attn.proj"])
    }
    #expect(width?.description.contains("head_dim 3") == true)
    let channels = #expect(throws: AdapterError.self) {
      _ = try attached([("channels", 13)], ["mlp.fc1"])
    }
    #expect(channels?.description.contains("13 channels of 12") == true)
  }
}
