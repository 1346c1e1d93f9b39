import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("PVeRA")
struct PVeRATests {
  @Test("samples in training, the same for a step, and never in evaluation")
  func noise() throws {
    let layers = try SmallLayers(PVeRA.self, [("r", 4), ("d_initial", 1)])
    layers.perturb()
    let x = Tensor(filledWith: 1, shape: [2, 3, 8])
    func output(_ step: Int) -> Tensor {
      layers.layers[0](x, .training(seed: 1, step: step, samples: 0..<2))
    }
    let plain = layers.layers[0](x, .evaluation)
    #expect(output(0).bits == output(0).bits)
    #expect(output(0).largestDifference(from: output(1)) > 1e-3)
    #expect(output(0).largestDifference(from: plain) > 1e-3)
    #expect(layers.layers[0](x, .evaluation).bits == plain.bits)
  }

  @Test("refuses files that sample in evaluation")
  func sampling() {
    #expect(refusal(PVeRA.self, ["sample_at_inference": true]) != nil)
    #expect(refusal(PVeRA.self, ["sample_at_inference": false]) == nil)
  }
}
