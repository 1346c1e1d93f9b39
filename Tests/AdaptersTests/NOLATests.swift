import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("NOLA")
struct NOLATests {
  @Test("mixes matrices that follow from a seed alone")
  func bases() throws {
    let layers = try SmallLayers(NOLA.self, [("r", 2), ("alpha", 6), ("bases", 3)])
    func value(_ name: String) throws -> Tensor { try #require(layers.value(name)).value }
    try #require(layers.value("lora_A.coefficients")).value = Tensor(
      [1, -2, 0.5] as [Float], shape: [3])
    try #require(layers.value("lora_B.coefficients")).value = Tensor(
      [0.5, 1, 3] as [Float], shape: [3])
    func mixed(_ factor: String, _ shape: [Int]) throws -> Tensor {
      var generator = TorchGenerator(seed: try value("\(factor).seed").integers[0])
      let drawn = generator.uniform(3 * shape[0] * shape[1], in: -1..<1)
      let bases = Tensor(drawn, shape: [3, shape[0] * shape[1]])
      let sum = matrixProduct(
        try value("\(factor).coefficients").reshaped(to: [1, 3]), bases)
      return sum.reshaped(to: shape).scaled(by: 1 / 3.0.squareRoot())
    }
    let a = try value("lora_A.weight") + mixed("lora_A", [2, 8])
    let wanted = matrixProduct(try mixed("lora_B", [12, 2]), a).scaled(by: 3)
    #expect(try layers.change().largestDifference(from: wanted) < 1e-5)
    #expect(wanted.largestMagnitude > 0.5)
    #expect(try value("lora_A.seed").integers != value("lora_B.seed").integers)
  }

  @Test("gives the same with bases that are kept, and follows a new seed")
  func kept() throws {
    func made(_ keeps: Bool) throws -> SmallLayers {
      let layers = try SmallLayers(
        NOLA.self, [("r", 2), ("bases", 5), ("keep_bases", .boolean(keeps))])
      layers.perturb()
      return layers
    }
    let (kept, drawn) = (try made(true), try made(false))
    #expect(try kept.change().bits == drawn.change().bits)
    for layers in [kept, drawn] {
      try #require(layers.value("lora_B.seed")).value = Tensor([12345 as Int64], shape: [1])
    }
    #expect(try kept.change().bits == drawn.change().bits)
  }
}
