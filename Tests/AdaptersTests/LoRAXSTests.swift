import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("LoRA-XS")
struct LoRAXSTests {
  @Test("with R the identity over s, the update is the weight's best approximation of that rank")
  func basis() throws {
    let layers = try SmallLayers(LoRAXS.self, [("r", 3), ("alpha", 6)])
    let latent = try #require(layers.value("latent_mapping.weight"))
    #expect(latent.value.largestMagnitude > 0 && latent.value.largestMagnitude < 1e-4)
    latent.value = Tensor((0..<9).map { $0 % 4 == 0 ? 0.5 : 0 as Float }, shape: [3, 3])
    let weight = layers.layers[0].site.weight.value
    let parts = weight.singularValues()
    let left = weight - (try layers.change())
    let rest = left.singularValues().values.doubles
    let values = parts.values.doubles
    for index in 0..<5 { #expect(abs(rest[index] - values[index + 3]) < 1e-5) }
    #expect(rest[5] < 1e-5)
  }

  @Test("refuses more directions than the weight has")
  func rank() {
    #expect(
      throws: AdapterError.rankTooLarge(
        module: "blocks.0.fc", rank: 9, limit: 8, method: "lora-xs")
    ) { _ = try SmallLayers(LoRAXS.self, [("r", 9)]) }
  }
}
