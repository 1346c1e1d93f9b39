import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("FRoD")
struct FRoDTests {
  @Test("shares a basis and places off its diagonal by all modules of a kind")
  func sharing() throws {
    let layers = try SmallLayers(FRoD.self, [("sparse_rate", 0.2)], count: 3)
    let basis = layers.adapter.shared.filter { $0.path.contains("frod_V") }
    // The part before the name is a number, so that the name alone is the kind.
    #expect(basis.map(\.path) == ["shared.frod_V.fc"])
    let places = try #require(layers.value("frod_s_indices.fc")).value.integers
    let pairs = Set((0..<12).map { [places[$0], places[12 + $0]] })
    #expect(pairs.count == 12 && pairs.allSatisfy { $0[0] != $0[1] && $0.max() ?? 8 < 8 })
    for index in 0..<3 { #expect(try layers.change(index).largestMagnitude < 1e-5) }
  }

  @Test("has a basis for a weight with fewer rows than columns")
  func wide() throws {
    let layers = try SmallLayers(FRoD.self, [("sparse_rate", 0.2)], inputs: 8, outputs: 4)
    #expect(try layers.change().largestMagnitude < 1e-5)
  }
}
