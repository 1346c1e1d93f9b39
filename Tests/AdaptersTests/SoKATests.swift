import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("SoKA")
struct SoKATests {
  /// Σ B⁰ᵢ ⊗ C⁰ᵢ, which the update takes off where the trained terms are zero.
  private func start(_ layers: SmallLayers) throws -> Tensor {
    let terms = try #require(layers.value("soka_B"))
    terms.value = Tensor(zeros: terms.shape)
    return try layers.change().scaled(by: -1)
  }

  @Test("starts as the leading terms of the weight, which all terms make up")
  func decomposition() throws {
    // 12 = 3 · 4 and 8 = 2 · 4: 6 terms at most.
    let whole = try SmallLayers(SoKA.self, [("r", 6)])
    let weight = whole.layers[0].site.weight.value
    let sum = try start(whole)
    #expect(sum.largestDifference(from: weight) < 1e-5 * weight.largestMagnitude)
    var before = 0.0
    for count in 1...3 {
      let part = try start(try SmallLayers(SoKA.self, [("r", .integer(count))]))
      let (kept, left) = (part.sumOfSquares(), (weight - part).sumOfSquares())
      #expect(abs(kept + left - weight.sumOfSquares()) < 1e-5 * kept, "a projection")
      #expect(kept > before + 1e-3)
      before = kept
    }
  }

  @Test("adds up Kronecker products")
  func products() throws {
    let layers = try SmallLayers(SoKA.self, [("r", 2)])
    let frozen = try start(try SmallLayers(SoKA.self, [("r", 2)]))
    layers.perturb()
    let b = try #require(layers.value("soka_B")).value.doubles
    let c = try #require(layers.value("soka_C")).value.doubles
    let wanted = (0..<96).map { place -> Float in
      let (row, column) = (place / 8, place % 8)
      return (0..<2).reduce(0) { sum, term in
        let first = b[term * 6 + (row / 4) * 2 + column / 4]
        return sum + Float(first * c[term * 16 + (row % 4) * 4 + column % 4])
      }
    }
    let expected = Tensor(wanted, shape: [12, 8]) - frozen
    let found = try layers.change()
    #expect(expected.largestMagnitude > 0.1)
    #expect(found.largestDifference(from: expected) < 1e-5 * expected.largestMagnitude)
  }

  @Test("finds a weight that is one Kronecker product with one term")
  func single() throws {
    let builder = ModelBuilder()
    let layer = Linear(builder.root / "fc", inputs: 8, outputs: 12)
    builder.tree.initialize(seed: 1)
    let (b, c) = (
      FiniteDifferences.values([3, 2], seed: 1).elements(as: Double.self),
      FiniteDifferences.values([4, 4], seed: 2).elements(as: Double.self)
    )
    let product = (0..<96).map { place in
      let (row, column) = (place / 8, place % 8)
      return Float(b[(row / 4) * 2 + column / 4] * c[(row % 4) * 4 + column % 4])
    }
    layer.site.weight.value = Tensor(product, shape: [12, 8])
    var settings = AdapterSettings(name: "test", method: "soka")
    settings.targets = [try Pattern("fc")]
    let adapter = try AttachedAdapter(
      settings, method: try SoKA.made([("r", 1)]), on: builder.tree, defaults: [], seed: 0)
    adapter.parameters[0].value = Tensor(zeros: [1, 3, 2])
    let left = try layer.site.merged().weight
    #expect(left.largestMagnitude < 1e-5 * layer.site.weight.value.largestMagnitude)
  }

  @Test("refuses more terms than a weight has")
  func limit() {
    let error = #expect(throws: AdapterError.self) { _ = try SmallLayers(SoKA.self, [("r", 7)]) }
    #expect(error == .rankTooLarge(module: "blocks.0.fc", rank: 7, limit: 6, method: "soka"))
  }
}
