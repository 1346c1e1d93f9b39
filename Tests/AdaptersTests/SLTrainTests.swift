import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("SLTrain")
struct SLTrainTests {
  @Test("is a low-rank product and the sparse entries at their places")
  func sum() throws {
    let layers = try SmallLayers(
      SLTrain.self, [("r", 2), ("alpha", 3), ("density", .number(0.125))])
    layers.perturb()
    let a = try #require(layers.value("lora_A.weight")).value
    let b = try #require(layers.value("lora_B.weight")).value
    let values = try #require(layers.value("sparse_weight")).value.doubles
    let places = try #require(layers.value("sparse_indices")).value.integers
    #expect(places.count == 12 && places == Set(places).sorted())
    var rest = (try layers.change() - matrixProduct(b, a).scaled(by: 1.5)).doubles
    for (place, value) in zip(places, values) { rest[place] -= value }
    #expect(values.allSatisfy { abs($0) > 1e-4 })
    #expect(rest.allSatisfy { abs($0) < 1e-6 })
  }

  @Test("draws the places by the seed of the run, and trains one entry at least")
  func places() throws {
    func places(_ seed: UInt64, _ density: Double) throws -> [Int] {
      let layers = try SmallLayers(SLTrain.self, [("density", .number(density))], seed: seed)
      return try #require(layers.value("sparse_indices")).value.integers
    }
    #expect(try places(1, 0.25) == places(1, 0.25))
    #expect(try places(1, 0.25) != places(2, 0.25))
    #expect(try places(1, 0).count == 1)
    #expect(try places(1, 1) == Array(0..<96))
  }
}
