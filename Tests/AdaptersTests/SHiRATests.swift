import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("SHiRA")
struct SHiRATests {
  @Test("draws different places in order, from its seed or the run's")
  func places() throws {
    func indices(_ options: [(String, PlainValue)], seed: UInt64) throws -> [Int] {
      let layers = try SmallLayers(SHiRA.self, [("r", 2)] + options, seed: seed)
      return try #require(layers.value("shira_indices")).value.integers
    }
    let found = try indices([("random_seed", 5)], seed: 1)
    let numbers = (0..<40).map { found[$0] * 8 + found[40 + $0] }
    #expect(numbers == Set(numbers).sorted())
    var generator = TorchGenerator(seed: 5)
    #expect(numbers == generator.permutation(of: 96, first: 40).sorted())
    #expect(try indices([("random_seed", 5)], seed: 2) == found)
    #expect(try indices([], seed: 1) == indices([], seed: 1))
    #expect(try indices([], seed: 1) != indices([], seed: 2))
  }

  @Test("refuses more entries than the weight has")
  func count() {
    let error = #expect(throws: AdapterError.self) { _ = try SmallLayers(SHiRA.self, [("r", 6)]) }
    #expect(error?.description.contains("120 entries") == true)
  }
}
