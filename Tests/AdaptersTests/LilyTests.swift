import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Lily")
struct LilyTests {
  @Test("shares B by all modules of a name, and A by runs of them")
  func sharing() throws {
    let layers = try SmallLayers(
      Lily.self, [("r", 2), ("stride_a", 2), ("num_b", 3)], count: 3)
    let values = layers.adapter.modules.map(\.change.parameters)
    #expect(values[0][0] === values[1][0] && values[1][0] !== values[2][0])
    #expect(values.allSatisfy { $0[1] === values[0][1] })
    #expect(values[0][2] !== values[1][2])
    let names = try layers.adapter.record(ModuleNames(layers.tree)).values.map(\.name)
    #expect(names.count == 9 && names.contains("blocks.1.fc.lily_A.weight"))
  }

  @Test("depends on the other samples of a batch")
  func batch() throws {
    let layers = try SmallLayers(Lily.self, [("r", 2)])
    for parameter in layers.adapter.parameters {
      parameter.value = FiniteDifferences.values(parameter.shape, seed: 5).cast(to: .f32)
    }
    let x = FiniteDifferences.values([2, 8], seed: 6).cast(to: .f32)
    let both = layers.layers[0](x, .evaluation).sliced(axis: 0, 0..<1)
    let alone = layers.layers[0](x.sliced(axis: 0, 0..<1), .evaluation)
    #expect(both.largestDifference(from: alone) > 1e-4)
    #expect(Lily.capabilities.contains(.mixesSamples))
  }
}
