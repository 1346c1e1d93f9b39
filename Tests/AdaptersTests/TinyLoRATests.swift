import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("TinyLoRA")
struct TinyLoRATests {
  @Test("shares vectors by consecutive modules", arguments: [(0.0, 4), (0.5, 2), (1.0, 1)])
  func groups(tying: Double, count: Int) throws {
    let layers = try SmallLayers(
      TinyLoRA.self, [("u", 3), ("weight_tying", .number(tying))], count: 4)
    #expect(layers.adapter.parameters.map(\.shape) == [[Int]](repeating: [3], count: count))
    let vectors = layers.adapter.modules.map { $0.change.parameters[0].path }
    #expect(vectors == vectors.sorted())
  }

  @Test("draws a module's projections from the seed and its number")
  func projections() throws {
    let layers = try SmallLayers(TinyLoRA.self, [("u", 4), ("projection_seed", 9)], count: 2)
    let second = layers.adapter.modules[1].change.buffers[2].value
    var generator = TorchGenerator(seed: 10)
    let expected = Tensor(generator.normal(16), shape: [4, 2, 2])
      .scaled(by: 1 / Double(2).squareRoot())
    #expect(second.largestDifference(from: expected) < 1e-6)
  }

  @Test("numbers modules as the model has them, whatever the order of patterns")
  func order() throws {
    let layers = try SmallLayers(TinyLoRA.self, [("u", 3)], count: 3) {
      $0.targets = try ["blocks.2.fc", "blocks.0.fc", "blocks.1.fc"].map { try Pattern($0) }
    }
    let modules = layers.adapter.modules
    #expect(modules.map(\.target.site.path) == ["blocks.0.fc", "blocks.1.fc", "blocks.2.fc"])
    #expect(modules[2].change.parameters[0].path == "shared.tinylora_v.2")
  }
}
