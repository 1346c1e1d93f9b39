import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("R-AMT")
struct RAMTTests {
  @Test("takes out the entries whose mask is not above the threshold, and no others")
  func masks() throws {
    let layers = try SmallLayers(RAMT.self, [("threshold", 0.25), ("start", 0.5)])
    let mask = try #require(layers.value("mask"))
    let site = layers.layers[0].site
    #expect(try layers.change().largestMagnitude == 0)
    var values = mask.value.elements(as: Float.self)
    (values[3], values[10], values[20], values[95]) = (0.25, 0.2501, -7, 0)
    mask.value = Tensor(values, shape: mask.shape)
    var wanted = site.weight.value.elements(as: Float.self)
    for place in [3, 20, 95] {
      #expect(wanted[place] != 0)
      wanted[place] = 0
    }
    #expect(try site.merged().weight.elements(as: Float.self) == wanted)
  }

  @Test("passes the gradient of the weight, times the weight, straight through")
  func gradient() throws {
    let layers = try SmallLayers(RAMT.self)
    let mask = try #require(layers.value("mask"))
    let site = layers.layers[0].site
    var values = mask.value.elements(as: Float.self)
    values[5] = 0
    mask.value = Tensor(values, shape: mask.shape)
    let x = FiniteDifferences.values([3, 8], seed: 1).cast(to: .f32)
    let seed = FiniteDifferences.values([3, 12], seed: 2).cast(to: .f32)
    let found = layers.layers[0](x, .evaluation).gradients(for: seed)
    let gradient = try #require(found[mask.leaf])
    let wanted =
      matrixProduct(seed.permuted([1, 0]), x) * site.weight.value
    #expect(gradient.largestDifference(from: wanted) < 1e-6)
    #expect(abs(wanted.doubles[5]) > 1e-3, "an entry that is out has a gradient too")
    #expect(found[site.weight.leaf] == nil)
  }

  @Test("keeps weight decay off masks, and refuses a start without effect")
  func settings() throws {
    let layers = try SmallLayers(RAMT.self)
    let method = try #require(layers.adapter.method)
    #expect(!method.policy(of: try #require(layers.value("mask"))).decays)
    #expect(throws: RecipeError.self) {
      _ = try SmallLayers.method(RAMT.self, [("start", 0.001)])
    }
  }
}
