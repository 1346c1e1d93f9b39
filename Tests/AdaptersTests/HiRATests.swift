import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("HiRA")
struct HiRATests {
  @Test("multiplies entries of the weight, so that zeros stay")
  func zeros() throws {
    let layers = try SmallLayers(HiRA.self, [("r", 2)])
    let weight = layers.layers[0].site.weight
    weight.value = weight.value * Tensor([1, 0, 1, 1, 0, 1, 1, 1] as [Float], shape: [8])
    layers.perturb()
    let change = try layers.change().doubles
    #expect(change.indices.allSatisfy { (change[$0] == 0) == [1, 4].contains($0 % 8) })
  }

  @Test("takes the rank that a file has")
  func rank() throws {
    let site = Linear(ModelBuilder().root / "fc", inputs: 8, outputs: 12).site
    let method = try SmallLayers.method(HiRA.self, [("r", 4)])
    let target = AdapterTarget(site: site, rank: 4, alpha: 4, stored: ["hira_A": [2, 8]])
    #expect(try method.makeChange(for: target, SharedValues()).parameters[0].shape == [2, 8])
    #expect(method.trainableCount(for: target) == 40)
  }
}
