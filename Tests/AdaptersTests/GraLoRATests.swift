import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("GraLoRA")
struct GraLoRATests {
  @Test("has a pair of its own for every block, of rank r over k")
  func blocks() throws {
    let layers = try SmallLayers(GraLoRA.self, [("r", 2), ("gralora_k", 2), ("alpha", 2)])
    layers.perturb()
    let block = try layers.change().sliced(axis: 0, 6..<12).sliced(axis: 1, 0..<4)
    let values = block.singularValues().values.doubles
    #expect(values[0] > 1e-3 && values[1] < 1e-6 * values[0])
    let whole = try layers.change().singularValues().values.doubles
    #expect(whole[3] > 1e-5)
  }

  @Test("adds a pair for the whole weight, and wants a grid that divides")
  func hybrid() throws {
    let layers = try SmallLayers(GraLoRA.self, [("r", 2), ("hybrid_r", 3)])
    #expect(try #require(layers.value("gralora_A_general.weight")).shape == [3, 8])
    #expect(throws: AdapterError.self) {
      _ = try SmallLayers(GraLoRA.self, [("r", 2), ("gralora_k", 3)])
    }
  }
}
