import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("ALLoRA")
struct ALLoRATests {
  private func layers(
    _ type: any AdapterMethod.Type = LoRA.self, _ options: [(String, PlainValue)] = []
  ) throws -> SmallLayers {
    try SmallLayers(type, [("r", 2)] + options) {
      $0.optimizer = try made(ALLoRA.options, [("eta", 4)], ALLoRA.init)
    }
  }

  @Test("rows of B move η times at first, then less the longer they are")
  func rates() throws {
    let layers = try layers()
    let hooks = try layers.adapter.hooks()
    let (a, b) = (layers.adapter.parameters[0], layers.adapter.parameters[1])
    var values = [Float](repeating: 0, count: 24)
    // A row of length 5, one of 1 − 1/16.
    (values[2], values[3], values[4]) = (3, 4, 0.9375)
    b.value = Tensor(values, shape: [12, 2])
    let before = (a.value, b.value)
    var gradients = Gradients()
    for hook in hooks { hook.change(&gradients, step: 0, of: 1) }
    for parameter in [a, b] {
      parameter.value = parameter.value + Tensor(filledWith: 0.25, shape: parameter.shape)
    }
    for hook in hooks { hook.end(step: 0, of: 1) }
    let moved = (b.value - before.1).doubles
    for index in 0..<2 { #expect(abs(moved[index] - 1) < 1e-6, "4 · 0.25") }
    let length: Double = 5 + 1 / 16.0
    let slow: Double = 0.25 / length.squareRoot()
    for index in 2..<4 { #expect(abs(moved[index] - slow) < 1e-6) }
    #expect(abs(moved[4] - 0.25) < 1e-6)
    for value in (a.value - before.0).doubles { #expect(abs(value - 0.25) < 1e-6) }
  }

  @Test("is refused with a scaling, with dropout, and for other methods")
  func refusals() throws {
    #expect(ALLoRA.isExperimental)
    for options: [(String, PlainValue)] in [[("alpha", 6)], [("dropout", 0.5)]] {
      let error = #expect(throws: AdapterError.self) {
        _ = try layers(LoRA.self, options).adapter.hooks()
      }
      #expect(error?.description.contains("Leave alpha and dropout out") == true)
    }
    let other = #expect(throws: AdapterError.self) { _ = try layers(LoRAXS.self).adapter.hooks() }
    #expect(other?.description.contains("colora-restoration") == true)
  }
}
