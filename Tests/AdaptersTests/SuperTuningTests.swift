import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Super-Tuning")
struct SuperTuningTests {
  @Test("chooses the largest entries, or the smallest", arguments: [true, false])
  func entries(takesLargest: Bool) throws {
    let layers = try SmallLayers(
      SuperTuning.self, [("sparsity", 0.9), ("select_top", .boolean(takesLargest))])
    let chosen = try #require(layers.value("supertuning_indices")).value.integers
    let sizes = layers.layers[0].site.weight.value.doubles.map { abs($0) }
    let order = sizes.indices.sorted { (sizes[$0] > sizes[$1]) == takesLargest }
    #expect(Set(chosen) == Set(order.prefix(9)))
  }

  @Test("adds a scaled pair where it has a rank")
  func pair() throws {
    let layers = try SmallLayers(
      SuperTuning.self, [("sparsity", 0.9), ("r", 2), ("alpha", 4)])
    let (a, b) = (
      try #require(layers.value("lora_A.weight")), try #require(layers.value("lora_B.weight"))
    )
    b.value = Tensor(filledWith: 1, shape: [12, 2])
    let expected = matrixProduct(b.value, a.value).scaled(by: 2)
    #expect(try layers.change().largestDifference(from: expected) < 1e-6)
    #expect(throws: AdapterError.self) {
      _ = try SmallLayers(SuperTuning.self, [("sparsity", 0.999)])
    }
  }
}
