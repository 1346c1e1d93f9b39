import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("GLoRA")
struct GLoRATests {
  @Test("scales and shifts weight and bias by constants")
  func constants() throws {
    let layers = try SmallLayers(
      GLoRA.self, [("config_a_b", "constant"), ("config_c", "none"), ("config_d_e", "constant")])
    for (name, value) in [("A.X", 0.5), ("B.X", 0.25), ("D.X", 1), ("E.X", -2)] {
      try #require(layers.value("glora_" + name)).value = Tensor(filledWith: value, shape: [1])
    }
    let site = layers.layers[0].site
    let merged = try site.merged()
    let ones = Tensor(filledWith: 1, shape: [12, 8])
    #expect(
      merged.weight.largestDifference(
        from: site.weight.value.scaled(by: 1.5) + ones.scaled(by: 0.25)) < 1e-6)
    let bias = try #require(site.bias).value
    let shift = Tensor(filledWith: -2, shape: [12])
    #expect(
      try #require(merged.bias).largestDifference(from: bias.scaled(by: 2) + shift) < 1e-6)
  }

  @Test("has no supports for a bias that is not there")
  func noBias() throws {
    let names = try SmallLayers(GLoRA.self, bias: false).adapter.parameters.map(\.path)
    #expect(names.count == 4 && names.allSatisfy { $0.contains("_A.") || $0.contains("_B.") })
    #expect(throws: RecipeError.self) {
      _ = try SmallLayers.method(
        GLoRA.self, [("config_a_b", "none"), ("config_c", "none"), ("config_d_e", "none")])
    }
  }
}
