import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("DEFT")
struct DEFTTests {
  @Test("starts without effect where it injects, and removes a subspace where it does not")
  func start() throws {
    for method in ["relu", "qr"] {
      let layers = try SmallLayers(
        DEFT.self, [("r", 2), ("alpha", 5), ("decomposition_method", .text(method))])
      #expect(try layers.change().largestMagnitude < 1e-6)
    }
    let removing = try SmallLayers(
      DEFT.self, [("r", 2), ("decomposition_method", "qr"), ("para", true)], inputs: 12,
      outputs: 8)
    let values = try removing.layers[0].site.merged().weight.singularValues().values.doubles
    #expect(values[5] > 1e-3 && values[6] < 1e-5)
  }
}
