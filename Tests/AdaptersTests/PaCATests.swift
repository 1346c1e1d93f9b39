import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("PaCA")
struct PaCATests {
  @Test("trains drawn columns of the weight in place, and no other")
  func columns() throws {
    let layers = try SmallLayers(PaCA.self, [("r", 3), ("alpha", 6)])
    let weight = layers.layers[0].site.weight.value
    let trained = try #require(layers.value("paca_w"))
    let chosen = try #require(layers.value("paca_indices")).value.integers
    #expect(Set(chosen).count == 3 && chosen == chosen.sorted())
    let columns = weight.permuted([1, 0])
    for (index, column) in chosen.enumerated() {
      let part = columns.sliced(axis: 0, column..<(column + 1)).doubles
      let held = trained.value.permuted([1, 0]).sliced(axis: 0, index..<(index + 1)).doubles
      for (w, p) in zip(part, held) { #expect(abs(w - 2 * p) < 1e-6) }
    }
    trained.value = Tensor(filledWith: 0.25, shape: [12, 3])
    let merged = try layers.layers[0].site.merged().weight.permuted([1, 0])
    for column in 0..<8 {
      let values = merged.sliced(axis: 0, column..<(column + 1)).doubles
      if chosen.contains(column) {
        for value in values { #expect(abs(value - 0.5) < 1e-6) }
      } else {
        #expect(values == columns.sliced(axis: 0, column..<(column + 1)).doubles)
      }
    }
  }

  @Test("draws the same columns from the same seed")
  func seeds() throws {
    func chosen(_ options: [(String, PlainValue)], seed: UInt64) throws -> [Int] {
      let layers = try SmallLayers(
        PaCA.self, [("r", 6)] + options, inputs: 64, outputs: 4, seed: seed)
      return try #require(layers.value("paca_indices")).value.integers
    }
    #expect(try chosen([("random_seed", 7)], seed: 1) == chosen([("random_seed", 7)], seed: 2))
    #expect(try chosen([], seed: 1) == chosen([], seed: 1))
    #expect(try chosen([], seed: 1) != chosen([], seed: 2))
  }

  @Test("refuses more columns than inputs")
  func count() {
    #expect(throws: AdapterError.self) { _ = try SmallLayers(PaCA.self, [("r", 9)]) }
  }
}
