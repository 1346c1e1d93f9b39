import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("VB-LoRA")
struct VBLoRATests {
  private let options: [(String, PlainValue)] = [
    ("r", 1), ("num_vectors", 9), ("vector_length", 4), ("topk", 2),
  ]

  @Test("mixes the largest logits alone")
  func selection() throws {
    let layers = try SmallLayers(VBLoRA.self, options)
    layers.perturb()
    let logits = try #require(layers.value("vblora_logits_A"))
    let output = layers.layers[0](Tensor(filledWith: 1, shape: [1, 8]), .evaluation)
    let found = try #require(output.sum().gradients()[logits.leaf]).doubles
    for start in [0, 9] {
      let values = Array(logits.value.doubles[start..<(start + 9)])
      let largest = Set(values.indices.sorted { values[$0] > values[$1] }.prefix(2))
      for index in 0..<9 {
        #expect((abs(found[start + index]) > 1e-9) == largest.contains(index))
      }
    }
  }

  @Test("refuses sizes that are no multiple of a vector, and files cut to the largest logits")
  func refusals() {
    #expect(throws: AdapterError.self) { _ = try SmallLayers(VBLoRA.self, options, inputs: 6) }
    #expect(throws: RecipeError.self) {
      _ = try SmallLayers.method(VBLoRA.self, [("num_vectors", 2), ("topk", 3)])
    }
    #expect(refusal(VBLoRA.self, ["save_only_topk_weights": true]) != nil)
  }
}
