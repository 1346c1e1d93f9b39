import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("BOFT")
struct BOFTTests {
  @Test("turns rows, and scales them")
  func rows() throws {
    let layers = try SmallLayers(BOFT.self)
    layers.perturb()
    let scale = try #require(layers.value("boft_s")).value.doubles
    let site = layers.layers[0].site
    let lengths = try site.merged().weight.rowLengths
    for (index, length) in site.weight.value.rowLengths.enumerated() {
      #expect(abs(lengths[index] - abs(scale[index]) * length) < 1e-5)
    }
  }

  @Test("refuses blocks that do not divide the inputs, and further butterfly factors")
  func refusals() throws {
    let error = #expect(throws: AdapterError.self) {
      _ = try SmallLayers(BOFT.self, [("boft_block_size", 3)])
    }
    #expect(error?.exitCode == .unavailable)
    #expect(refusal(BOFT.self, ["boft_n_butterfly_factor": 2])?.contains("CUDA") == true)
    #expect(refusal(BOFT.self, ["boft_n_butterfly_factor": 1, "boft_dropout": 0.0]) == nil)
  }
}
