import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("LOST")
struct LOSTTests {
  private func layers() throws -> SmallLayers {
    try SmallLayers(
      LOST.self, [("r", 2), ("gamma", .number(0.25)), ("columns", .number(0.375))])
  }

  @Test("takes the leading terms of the weight over, and the longest columns of what is left")
  func start() throws {
    let layers = try layers()
    let weight = layers.layers[0].site.weight.value
    let a = try #require(layers.value("lora_A.weight")).value
    let b = try #require(layers.value("lora_B.weight")).value
    let leading = matrixProduct(b, a).scaled(by: 0.25)
    let rest = weight - leading
    let values = weight.singularValues().values.doubles
    let wanted = values.dropFirst(2).reduce(0) { $0 + $1 * $1 }
    #expect(abs(rest.sumOfSquares() - wanted) < 1e-5 * wanted)
    let lengths = rest.permuted([1, 0]).rowLengths
    let longest = lengths.indices.sorted { lengths[$0] > lengths[$1] }.prefix(3).sorted()
    #expect(try #require(layers.value("lost_indices")).value.integers == longest)
  }

  @Test("mixes the change of the pair and that of the columns by gamma")
  func mix() throws {
    let layers = try layers()
    let columns = try #require(layers.value("lost_columns"))
    let moved = FiniteDifferences.values([12, 3], seed: 1).cast(to: .f32)
    columns.value = moved
    let change = try layers.change().doubles
    let indices = try #require(layers.value("lost_indices")).value.integers
    for place in 0..<96 {
      let wanted = indices.firstIndex(of: place % 8).map {
        0.75 * moved.doubles[place / 8 * 3 + $0]
      }
      #expect(abs(change[place] - (wanted ?? 0)) < 1e-6)
    }
    columns.value = Tensor(zeros: [12, 3])
    let b = try #require(layers.value("lora_B.weight"))
    let a = try #require(layers.value("lora_A.weight")).value
    b.value = b.value + FiniteDifferences.values(b.shape, seed: 2).cast(to: .f32)
    let step = FiniteDifferences.values(b.shape, seed: 2).cast(to: .f32)
    let expected = matrixProduct(step, a).scaled(by: 0.25)
    #expect(expected.largestMagnitude > 0.1)
    #expect(try layers.change().largestDifference(from: expected) < 1e-5)
  }
}
