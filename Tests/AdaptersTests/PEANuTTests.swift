import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("PEANuT")
struct PEANuTTests {
  @Test("changes with the activation and the depth")
  func network() throws {
    func change(_ activation: String, _ depth: Int) throws -> Tensor {
      let layers = try SmallLayers(
        PEANuT.self, [("r", 2), ("act_fn", .text(activation)), ("depth", .integer(depth))])
      layers.perturb()
      return try layers.change()
    }
    // Without activation and layers between, ΔW = B A W.
    let layers = try SmallLayers(PEANuT.self, [("r", 2), ("act_fn", "linear")])
    layers.perturb()
    let (a, b) = (
      try #require(layers.value("peanut_A.weight")).value,
      try #require(layers.value("peanut_B.weight")).value
    )
    let product = matrixProduct(b, matrixProduct(a, layers.layers[0].site.weight.value))
    #expect(try layers.change().largestDifference(from: product) < 1e-6)
    #expect(try change("relu", 1).largestDifference(from: change("tanh", 1)) > 1e-4)
    #expect(throws: RecipeError.self) { _ = try change("mish", 0) }
  }
}
