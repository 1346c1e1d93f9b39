import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("PSOFT")
struct PSOFTTests {
  @Test("turns within the largest directions and leaves the others")
  func subspace() throws {
    let layers = try SmallLayers(
      PSOFT.self, [("r", 3), ("psoft_mag_a", false), ("psoft_mag_b", false)])
    layers.perturb()
    let site = layers.layers[0].site
    let rest = site.weight.value.singularValues().right.sliced(axis: 0, 3..<8)
    let change = try layers.change()
    #expect(change.largestMagnitude > 0.01)
    #expect(linear(change, weight: rest).largestMagnitude < 1e-5)
  }

  @Test("is not offered to PEFT, which would take other signs")
  func export() throws {
    let layers = try SmallLayers(PSOFT.self, [("r", 3)])
    let error = #expect(throws: AdapterError.self) {
      _ = try PortableModules(layers.adapter, on: layers.tree) { $0 }
    }
    #expect(error?.exitCode == .unavailable)
    #expect(refusal(PSOFT.self, ["psoft_svd": "lowrank"]) != nil)
  }
}
