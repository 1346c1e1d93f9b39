import Adapters
import Checkpoints
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("LoRA-SB")
struct LoRASBTests {
  @Test(
    "starts as the reference case from the same gradients",
    .enabled(if: Shared.isPresent, "../shared is absent"))
  func reference() throws {
    let folder = Shared.path("fixtures/adapters/lora_sb_r4")
    let io = try openCheckpoint(folder + "/io.safetensors")
    let values = try openCheckpoint(folder + "/adapter.safetensors")
    for path in ["blocks.0.attn.qkv", "blocks.1.attn.qkv"] {
      let builder = ModelBuilder()
      let layer = Linear(builder.root / "fc", inputs: 48, outputs: 144)
      builder.tree.initialize(seed: 1)
      let probe = SampleProbe(
        parameters: [layer.site.weight],
        gradients: [try io.tensor("aux.\(path).gradient_sum").copied()], inputs: [], count: 3)
      var settings = AdapterSettings(name: "test", method: "lora-sb")
      settings.targets = [try Pattern("fc")]
      let adapter = try AttachedAdapter(
        settings, method: try LoRASB.made([("r", 4), ("eta", 0.05)]), on: builder.tree,
        defaults: [], seed: 0, probe: probe)
      let latent = adapter.parameters[0].value
      let reference = try io.tensor("aux.R0.\(path)")
      #expect(latent.largestDifference(from: reference) < 1e-5 * reference.largestMagnitude)
      let wanted = matrixProduct(
        try values.tensor("\(path).lora_B.default.weight"),
        matrixProduct(reference, try values.tensor("\(path).lora_A.default.weight")))
      let found = try layer.site.merged().weight - layer.site.weight.value
      #expect(found.largestDifference(from: wanted) < 1e-5 * wanted.largestMagnitude)
      let gram = linear(adapter.buffers[0].value, weight: adapter.buffers[0].value)
      for (index, value) in gram.doubles.enumerated() {
        #expect(abs(value - (index % 5 == 0 ? 1 : 0)) < 1e-5)
      }
    }
  }

  @Test("looks at the first samples alone, and does nothing where there are none")
  func samples() throws {
    #expect(LoRASB.capabilities.isDisjoint(with: [.zeroStart, .readsBase]))
    func start(_ options: [(String, PlainValue)], _ count: Int?) throws -> Tensor {
      let builder = ModelBuilder()
      let layer = Linear(builder.root / "fc", inputs: 3, outputs: 2)
      builder.tree.initialize(seed: 1)
      let probe = count.map {
        SampleProbe(
          parameters: [layer.site.weight],
          gradients: [Tensor([1, -1, 2, 0, 5, -4] as [Float], shape: [2, 3])], inputs: [], count: $0
        )
      }
      var settings = AdapterSettings(name: "test", method: "lora-sb")
      settings.targets = [try Pattern("fc")]
      _ = try AttachedAdapter(
        settings, method: try LoRASB.made([("r", 2), ("eta", 0.5)] + options), on: builder.tree,
        defaults: [], seed: 0, probe: probe)
      return try layer.site.merged().weight - layer.site.weight.value
    }
    let wanted = Tensor([-0.5, 0.5, -0.5, 0, -0.5, 0.5] as [Float], shape: [2, 3])
    #expect(try start([], 5).largestDifference(from: wanted) < 1e-6)
    #expect(try start([("samples", 2)], 5).largestDifference(from: wanted) < 1e-6)
    #expect(try start([("alpha", 6)], 5).largestDifference(from: wanted) < 1e-6, "whatever s")
    #expect(try start([], nil).largestMagnitude == 0)
  }
}
