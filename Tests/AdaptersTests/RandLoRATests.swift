import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("RandLoRA")
struct RandLoRATests {
  @Test("reaches the full rank of the weight with few values")
  func rank() throws {
    let layers = try SmallLayers(RandLoRA.self, [("r", 2), ("alpha", 2)])
    layers.perturb()
    let values = try layers.change().singularValues().values.doubles
    #expect(values[7] > 1e-6 * values[0])
  }

  @Test("writes the shared bases below every module too, and needs them in a file")
  func files() throws {
    let layers = try SmallLayers(RandLoRA.self, [("r", 2)], count: 2)
    let record = try layers.adapter.record(ModuleNames(layers.tree))
    let shared = try #require(layers.value("shared.randlora_A")).value
    for index in 0..<2 {
      let copy = record.values.first { $0.name == "blocks.\(index).fc.randlora_A" }
      #expect(try #require(copy).tensor.bits == shared.bits)
    }
    #expect(record.shared.map(\.name) == ["randlora_A", "randlora_B"])
    #expect(refusal(RandLoRA.self, ["save_projection": false])?.contains("machine") == true)
  }
}
