import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("VeRA")
struct VeRATests {
  @Test("draws its projections from the key alone")
  func projections() throws {
    let options: [(String, PlainValue)] = [("r", 4), ("projection_prng_key", 31)]
    let a = try SmallLayers(VeRA.self, options, inputs: 192, outputs: 8, seed: 1)
    let b = try SmallLayers(VeRA.self, options, inputs: 192, outputs: 8, seed: 2)
    let (first, second) = (try #require(a.value("vera_A")), try #require(b.value("vera_A")))
    #expect(first.value.bits == second.value.bits)
    #expect(first.isBuffer)
    var generator = TorchGenerator(seed: 31)
    #expect(first.value.elements(as: Float.self) == generator.kaiming(rows: 4, columns: 192))
  }

  @Test("has one rank for all modules")
  func ranks() throws {
    #expect(throws: AdapterError.self) {
      _ = try SmallLayers(VeRA.self, [("r", 4)], count: 2) {
        $0.rankPattern = [(try Pattern("blocks.0.fc"), 2)]
      }
    }
  }

  @Test("starts its inner scaling where it is told")
  func start() throws {
    let layers = try SmallLayers(VeRA.self, [("r", 4), ("d_initial", 0.5)])
    #expect(try #require(layers.value("vera_lambda_d")).value.doubles == [0.5, 0.5, 0.5, 0.5])
  }
}
