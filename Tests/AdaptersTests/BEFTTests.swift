import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("BEFT")
struct BEFTTests {
  @Test("shifts a layer without a bias, which then cannot take it")
  func noBias() throws {
    let layers = try SmallLayers(BEFT.self, bias: false)
    let x = Tensor(filledWith: 1, shape: [1, 8])
    let plain = layers.layers[0](x, .evaluation)
    layers.perturb()
    let shift = try #require(layers.value("beft_bias")).value
    let shifted = layers.layers[0](x, .evaluation)
    #expect(shifted.largestDifference(from: plain + shift) < 1e-6)
    #expect(throws: UnmergeableDelta.self) { _ = try layers.layers[0].site.merged() }
  }
}
