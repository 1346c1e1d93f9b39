import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("LoHa")
struct LoHaTests {
  @Test("leaves out rows, or all of the update, in training alone")
  func dropout() throws {
    let x = Tensor(filledWith: 1, shape: [2, 8])
    let context = ForwardContext.training(seed: 1, step: 0, samples: 0..<2)
    let rows = try SmallLayers(LoHa.self, [("r", 2), ("rank_dropout", 0.5)])
    let plain = rows.layers[0](x, .evaluation)
    rows.perturb()
    let full = (rows.layers[0](x, .evaluation) - plain).doubles
    let part = (rows.layers[0](x, context) - plain).doubles
    let kept = part.filter { abs($0) > 1e-7 }.count
    #expect(kept > 0 && kept < part.count && full.allSatisfy { abs($0) > 1e-7 })
    // Kept rows are divided by the part that was kept.
    let factor = Double(part.count) / Double(kept)
    for (a, b) in zip(full, part) where abs(b) > 1e-7 { #expect(abs(a * factor - b) < 1e-5) }

    let modules = try SmallLayers(LoHa.self, [("r", 2), ("module_dropout", 0.999)])
    modules.perturb()
    #expect(modules.layers[0](x, context).largestDifference(from: plain) < 1e-6)
  }

  @Test("refuses kernels in three factors")
  func effective() {
    #expect(refusal(LoHa.self, ["use_effective_conv2d": true])?.contains("three factors") == true)
    #expect(refusal(LoHa.self, ["use_effective_conv2d": false]) == nil)
  }
}
