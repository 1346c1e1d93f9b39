import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("OFT")
struct OFTTests {
  @Test("takes the nearest divisor, the smaller of two")
  func divisors() {
    #expect(OFT.nearestDivisor(of: 48, to: 32) == 24)
    #expect(OFT.nearestDivisor(of: 48, to: 7) == 6)
    #expect(OFT.nearestDivisor(of: 192, to: 32) == 32)
  }

  @Test("keeps the lengths of the weight's rows by the exact rotation")
  func orthogonal() throws {
    let layers = try SmallLayers(
      OFT.self, [("oft_block_size", 4), ("use_cayley_neumann", false)])
    layers.perturb()
    let site = layers.layers[0].site
    let lengths = try site.merged().weight.rowLengths
    #expect(try layers.change().largestMagnitude > 0.01)
    for (a, b) in zip(lengths, site.weight.value.rowLengths) { #expect(abs(a - b) < 1e-5) }
  }

  @Test("shares one block, and wants exactly one of number and size")
  func blocks() throws {
    let shared = try SmallLayers(OFT.self, [("oft_block_size", 4), ("block_share", true)])
    #expect(try #require(shared.value("oft_R.weight")).shape == [1, 6])
    let counted = try SmallLayers(OFT.self, [("r", 4)])
    #expect(try #require(counted.value("oft_R.weight")).shape == [4, 1])
    #expect(throws: RecipeError.self) {
      _ = try SmallLayers.method(OFT.self, [("r", 2), ("oft_block_size", 4)])
    }
    #expect(refusal(OFT.self, ["coft": true])?.contains("constrained") == true)
  }
}
