import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("HRA")
struct HRATests {
  @Test("starts from pairs of equal reflections, and from all of them where they cannot pair")
  func start() throws {
    #expect(try SmallLayers(HRA.self, [("r", 4)]).change().largestMagnitude < 1e-6)
    #expect(try SmallLayers(HRA.self, [("r", 3)]).change().largestMagnitude > 0.01)
    let orthogonal = try SmallLayers(HRA.self, [("r", 4), ("apply_gs", true)])
    #expect(try orthogonal.change().largestMagnitude > 0.01)
  }

  @Test("keeps the lengths of rows", arguments: [false, true])
  func lengths(isOrthogonal: Bool) throws {
    let layers = try SmallLayers(HRA.self, [("r", 4), ("apply_gs", .boolean(isOrthogonal))])
    layers.perturb()
    let site = layers.layers[0].site
    for (a, b) in zip(try site.merged().weight.rowLengths, site.weight.value.rowLengths) {
      #expect(abs(a - b) < 1e-5)
    }
  }
}
