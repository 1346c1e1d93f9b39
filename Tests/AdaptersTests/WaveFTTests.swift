import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("WaveFT")
struct WaveFTTests {
  @Test("keeps the energy of its coefficients")
  func energy() throws {
    let layers = try SmallLayers(WaveFT.self, [("n_frequency", 96), ("scaling", 3)])
    layers.perturb()
    let values = try #require(layers.value("waveft_spectrum")).value.sumOfSquares()
    #expect(abs(try layers.change().sumOfSquares() / (9 * values) - 1) < 1e-5)
  }

  @Test("makes coefficients entries of the weight without the transform")
  func plain() throws {
    let layers = try SmallLayers(
      WaveFT.self, [("n_frequency", 2), ("scaling", 3), ("use_idwt", false)])
    layers.perturb()
    var generator = TorchGenerator(seed: 777)
    let places = generator.permutation(of: 96, first: 2)
    let change = try layers.change().doubles
    #expect(change.indices.filter { abs(change[$0]) > 1e-7 } == places.sorted())
  }

  @Test("refuses wavelets whose filters are not checked")
  func families() {
    #expect(throws: RecipeError.self) {
      _ = try SmallLayers.method(WaveFT.self, [("wavelet_family", "sym4")])
    }
  }
}
