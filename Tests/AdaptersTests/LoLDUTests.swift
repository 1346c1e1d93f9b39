import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("LoLDU")
struct LoLDUTests {
  @Test("all pivots together make up the weight", arguments: [(8, 12), (12, 8)])
  func decomposition(inputs: Int, outputs: Int) throws {
    let layers = try SmallLayers(LoLDU.self, [("r", 8)], inputs: inputs, outputs: outputs)
    let weight = layers.layers[0].site.weight.value
    let pivots = try #require(layers.value("vector_z"))
    #expect(try layers.change().largestMagnitude == 0)
    pivots.value = Tensor(zeros: [8])
    #expect((weight + (try layers.change())).largestMagnitude < 1e-6, "nothing is left of W")
  }

  @Test("scale and pivots have the same effect")
  func scale() throws {
    let layers = try SmallLayers(LoLDU.self, [("r", 4), ("alpha", 6)])
    let pivots = try #require(layers.value("vector_z"))
    let scale = try #require(layers.value("scaling_factor"))
    #expect(scale.value.scalar == 1.5)
    let start = pivots.value
    pivots.value = start.scaled(by: 2)
    let doubled = try layers.change()
    pivots.value = start
    scale.value = Tensor([3 as Float], shape: [1])
    #expect(try layers.change().largestDifference(from: doubled) < 1e-6)
    #expect(doubled.largestMagnitude > 0.1)
  }

  @Test("draws pivots by the rules of the reference's program")
  func starts() throws {
    func pivots(_ start: String) throws -> [Double] {
      try #require(
        try SmallLayers(LoLDU.self, [("r", 8), ("start", .text(start))]).value("vector_z")
      ).value.doubles
    }
    let own = try pivots("lu")
    let mean = own.reduce(0, +) / 8
    #expect(try pivots("ones") == [Double](repeating: 1, count: 8))
    #expect(try pivots("zeros") == [Double](repeating: 0, count: 8))
    #expect(try pivots("constant").allSatisfy { abs($0 - mean) < 1e-6 })
    let uniform = try pivots("uniform")
    #expect(uniform.allSatisfy { abs($0) <= abs(mean) / 2 } && Set(uniform).count == 8)
    let normal = try pivots("normal")
    #expect(Set(normal).count == 8 && normal != own)
  }

  @Test("keeps a weight whose pivot is zero")
  func singular() throws {
    let builder = ModelBuilder()
    let layer = Linear(builder.root / "fc", inputs: 3, outputs: 3)
    builder.tree.initialize(seed: 1)
    layer.site.weight.value = Tensor([0, 1, 2, 0, 3, 4, 0, 5, 6] as [Float], shape: [3, 3])
    var settings = AdapterSettings(name: "test", method: "loldu")
    settings.targets = [try Pattern("fc")]
    let adapter = try AttachedAdapter(
      settings, method: try LoLDU.made([("r", 3)]), on: builder.tree, defaults: [], seed: 0)
    #expect(adapter.parameters.allSatisfy { $0.value.isFinite })
    adapter.parameters[0].value = Tensor(zeros: [3])
    #expect(try layer.site.merged().weight.largestMagnitude < 1e-6)
  }
}
