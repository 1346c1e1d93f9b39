import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("SoRA")
struct SoRATests {
  @Test("a step takes the threshold off every gate, and no further than zero")
  func shrinkage() throws {
    let layers = try SmallLayers(SoRA.self, [("r", 4), ("threshold", 0.25)])
    let gates = try #require(layers.value("lora_diag"))
    gates.value = Tensor([1, -0.5, 0.2, -0.1] as [Float], shape: [4])
    for hook in try layers.adapter.hooks() { hook.end(step: 0, of: 9) }
    #expect(gates.value.doubles == [0.75, -0.25, 0, 0])
    layers.perturb()
    gates.value = Tensor([0, 0, 2, 0] as [Float], shape: [4])
    let change = try layers.change()
    let values = change.singularValues().values.doubles
    #expect(values[0] > 0.01 && values[1] < 1e-6, "one rank is left")
    let method = try #require(layers.adapter.method)
    #expect(!method.policy(of: gates).decays)
    #expect(method.policy(of: try #require(layers.value("lora_A.weight"))).decays)
  }

  @Test("the loss has the mean magnitude of all gates")
  func penalty() throws {
    let layers = try SmallLayers(SoRA.self, [("r", 2), ("sparse_lambda", 8)], count: 3)
    for (index, module) in layers.adapter.modules.enumerated() {
      module.change.parameters[2].value = Tensor([1, -2] as [Float], shape: [2])
      let penalty = try #require(layers.layers[index].site.penalty())
      // 8 · 3 / 6 gates.
      #expect(abs(penalty.scalar - 4) < 1e-6)
      let gradients = penalty.gradients()
      let found = try #require(gradients[module.change.parameters[2].leaf]).doubles
      let slope = 8.0 / 6
      #expect(abs(found[0] - slope) < 1e-6)
      #expect(abs(found[1] + slope) < 1e-6)
    }
    #expect(try SmallLayers(SoRA.self, [("sparse_lambda", 0)]).layers[0].site.penalty() == nil)
  }
}
