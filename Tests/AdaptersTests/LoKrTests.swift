import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("LoKr")
struct LoKrTests {
  @Test("splits sizes as PEFT does")
  func factors() {
    #expect(LoKr.factors(of: 48, -1) == (6, 8))
    #expect(LoKr.factors(of: 144, -1) == (12, 12))
    #expect(LoKr.factors(of: 192, -1) == (12, 16))
    #expect(LoKr.factors(of: 48, 16) == (16, 3), "a divisor that is given comes first")
    #expect(LoKr.factors(of: 48, 5) == (4, 12))
    #expect(LoKr.factors(of: 13, -1) == (1, 13))
  }

  @Test("makes factors of the second matrix, and of both where asked")
  func shapes() throws {
    func names(_ options: [(String, PlainValue)]) throws -> [String] {
      try SmallLayers(LoKr.self, options, inputs: 64, outputs: 64).adapter.parameters.map {
        String($0.path.dropFirst("blocks.0.fc.".count))
      }
    }
    #expect(try names([("r", 8)]) == ["lokr_w1", "lokr_w2"])
    #expect(try names([("r", 2)]) == ["lokr_w1", "lokr_w2_a", "lokr_w2_b"])
    #expect(
      try names([("r", 2), ("decompose_both", true)])
        == ["lokr_w1_a", "lokr_w1_b", "lokr_w2_a", "lokr_w2_b"])
  }
}
