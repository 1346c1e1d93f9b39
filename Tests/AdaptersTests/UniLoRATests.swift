import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Uni-LoRA")
struct UniLoRATests {
  @Test("takes every value equally often, and scales by its uses")
  func uses() throws {
    let layers = try SmallLayers(UniLoRA.self, [("r", 2), ("theta_d_length", 7)], count: 2)
    let buffers = layers.adapter.modules.flatMap { $0.change.buffers }
    let indices = [0, 2, 4, 6].flatMap { buffers[$0].value.integers }
    let scales = [1, 3, 5, 7].flatMap { buffers[$0].value.doubles }
    let counts = (0..<7).map { value in indices.filter { $0 == value }.count }
    #expect(counts.allSatisfy { [11, 12].contains($0) } && counts.reduce(0, +) == 80)
    for (index, scale) in zip(indices, scales) {
      #expect(abs(scale - 1 / Double(counts[index]).squareRoot()) < 1e-6)
    }
  }

  @Test("refuses files without indices")
  func indices() {
    #expect(refusal(UniLoRA.self, ["save_indices": false])?.contains("numpy") == true)
    #expect(refusal(UniLoRA.self, ["save_indices": true]) == nil)
  }
}
