import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("RoAd")
struct RoAdTests {
  @Test("keeps the lengths of pairs under a rotation alone")
  func pairs() throws {
    let layers = try SmallLayers(RoAd.self, [("group_size", 4)])
    let angle = try #require(layers.value("road_theta"))
    angle.value = FiniteDifferences.values([6], seed: 2).cast(to: .f32)
    let x = FiniteDifferences.values([1, 8], seed: 3).cast(to: .f32)
    let turned = layers.layers[0](x, .evaluation).doubles
    layers.layers[0].site.detachAll()
    let plain = layers.layers[0](x, .evaluation).doubles
    for first in [0, 1, 4, 5, 8, 9] {
      let lengths = [plain, turned].map { $0[first] * $0[first] + $0[first + 2] * $0[first + 2] }
      #expect(abs(lengths[0] - lengths[1]) < 1e-5)
      #expect(abs(plain[first] - turned[first]) > 1e-4)
    }
  }

  @Test(
    "has one, two or four values for a pair",
    arguments: [("road_1", 6), ("road_2", 12), ("road_4", 24)])
  func counts(variant: String, count: Int) throws {
    let layers = try SmallLayers(RoAd.self, [("group_size", 4), ("variant", .text(variant))])
    #expect(try #require(layers.value("road_theta")).elementCount == count)
  }

  @Test("wants an even group that divides the outputs")
  func groups() {
    #expect(throws: RecipeError.self) {
      _ = try SmallLayers.method(RoAd.self, [("group_size", 3)])
    }
    #expect(throws: AdapterError.self) { _ = try SmallLayers(RoAd.self, [("group_size", 8)]) }
  }
}
