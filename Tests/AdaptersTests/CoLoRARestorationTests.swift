import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("CoLoRA for restoration")
struct CoLoRARestorationTests {
  @Test("has no scaling whatever the rank, and its type is not PEFT's")
  func scaling() throws {
    let builder = ModelBuilder()
    let layer = Convolution(builder.root / "conv", inputs: 3, outputs: 6, kernel: [3, 3])
    builder.tree.initialize(seed: 1)
    var settings = AdapterSettings(name: "test", method: "colora-restoration")
    settings.targets = [try Pattern("conv")]
    settings.rankPattern = [(try Pattern("conv"), 2)]
    let adapter = try AttachedAdapter(
      settings, method: CoLoRARestoration(rank: 5), on: builder.tree, defaults: [], seed: 0)
    for parameter in adapter.parameters {
      parameter.value = FiniteDifferences.values(parameter.shape, seed: 3).cast(to: .f32)
    }
    let (a, b) = (adapter.parameters[0].value, adapter.parameters[1].value)
    #expect(a.shape == [2, 3, 3, 3])
    let product = matrixProduct(b.reshaped(to: [6, 2]), a.reshaped(to: [2, 27]))
    let merged = try layer.site.merged().weight - layer.site.weight.value
    #expect(merged.reshaped(to: [6, 27]).largestDifference(from: product) < 1e-6)
    #expect(!CoLoRARestoration.capabilities.contains(.portable))
  }
}
