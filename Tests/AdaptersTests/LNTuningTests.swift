import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

import Checkpoints

@Suite("LN tuning")
struct LNTuningTests {
  private func tree() -> ModuleTree {
    let builder = ModelBuilder()
    for index in 0..<2 {
      _ = LayerNorm(builder.root / "blocks" / index / "norm1", width: 4, epsilon: 1e-6)
      _ = Linear(builder.root / "blocks" / index / "fc", inputs: 4, outputs: 4)
    }
    builder.tree.initialize(seed: 1)
    return builder.tree
  }

  private func attach(_ patterns: [String], on tree: ModuleTree) throws -> AttachedAdapter {
    var settings = AdapterSettings(name: "test", method: LNTuning.name)
    settings.targets = try patterns.map { try Pattern($0) }
    return try AttachedAdapter(
      settings, method: try SmallLayers.method(LNTuning.self, []), on: tree, defaults: ["fc"],
      seed: 0)
  }

  @Test("trains the chosen norms, or all of them, and nothing else")
  func targets() throws {
    let (one, all) = (tree(), tree())
    let chosen = AdaptedModel(
      tree: one, adapters: [try attach(["blocks.1.norm1"], on: one)], freezesBackbone: true)
    #expect(chosen.trainable.map(\.path) == ["blocks.1.norm1.weight", "blocks.1.norm1.bias"])
    let every = AdaptedModel(
      tree: all, adapters: [try attach([], on: all)], freezesBackbone: true)
    #expect(every.trainableCount == 16)
    let error = #expect(throws: AdapterError.self) { _ = try attach(["fc"], on: all) }
    #expect(error?.description.contains("normalization layers") == true)
    #expect(throws: AdapterError.self) { _ = try attach(["nothing"], on: all) }
  }

  @Test("comes back from its directory under PEFT's names")
  func roundTrip() throws {
    let folder = try TemporaryDirectory()
    let (first, second) = (tree(), tree())
    let adapter = try attach(["blocks.1.norm1"], on: first)
    let gain = try #require(first.parameter("blocks.1.norm1.weight"))
    gain.value = Tensor([1, 2, 3, 4] as [Float], shape: [4])
    try adapter.save(to: folder.path("a"), base: nil, baseDigest: "d", on: first)
    let directory = try PEFTDirectory(reading: folder.path("a"))
    #expect(
      Set(directory.weights.names)
        == [
          "base_model.model.blocks.1.norm1.ln_tuning_layers.weight",
          "base_model.model.blocks.1.norm1.ln_tuning_layers.bias",
        ])
    #expect(directory.configuration["target_modules"] == ["blocks.1.norm1"])
    _ = try OpenedAdapter(directory, adapterMethods).attach(
      named: "again", on: second, layouts: [], baseDigest: "d")
    #expect(second.parameter("blocks.1.norm1.weight")?.value.bits == gain.value.bits)
  }
}
