import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("OSF")
struct OSFTests {
  @Test("keeps gradients out of the frozen directions", arguments: [(8, 12), (12, 8), (8, 8)])
  func projection(inputs: Int, outputs: Int) throws {
    let layers = try SmallLayers(OSF.self, inputs: inputs, outputs: outputs)
    let terms = layers.layers[0].site.weight.value.singularValues()
    let high = (
      terms.left.sliced(axis: 1, 0..<4).permuted([1, 0]), terms.right.sliced(axis: 0, 0..<4)
    )
    let (left, right) = (
      try #require(layers.value("U_low")), try #require(layers.value("V_low"))
    )
    let x = FiniteDifferences.values([5, inputs], seed: 3).cast(to: .f32)
    let y = layers.layers[0](x, .evaluation)
    var gradients = (y * y).sum().gradients()
    let before = try #require(gradients[left.leaf])
    for hook in try layers.adapter.hooks() { hook.change(&gradients, step: 0, of: 1) }
    let (du, dv) = (try #require(gradients[left.leaf]), try #require(gradients[right.leaf]))
    #expect(linear(high.0, weight: before.permuted([1, 0])).largestMagnitude > 1e-3)
    #expect(linear(high.0, weight: du.permuted([1, 0])).largestMagnitude < 1e-4)
    #expect(linear(dv, weight: high.1).largestMagnitude < 1e-4)
    #expect(du.largestMagnitude > 1e-3 && dv.largestMagnitude > 1e-3)
  }

  @Test("freezes half of the terms, a number, or a part of them")
  func rank() throws {
    func trained(_ options: [(String, PlainValue)]) throws -> Int {
      try #require(try SmallLayers(OSF.self, options).value("S_low")).elementCount
    }
    #expect(try trained([]) == 4)
    #expect(try trained([("effective_rank", 6)]) == 2)
    #expect(try trained([("effective_rank", 0.3)]) == 6)
    #expect(throws: AdapterError.self) { _ = try trained([("effective_rank", 8)]) }
  }
}
