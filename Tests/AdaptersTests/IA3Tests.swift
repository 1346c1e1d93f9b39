import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("IA3")
struct IA3Tests {
  @Test("scales outputs, and inputs of feed-forward modules")
  func sides() throws {
    let outputs = try SmallLayers(IA3.self)
    #expect(try #require(outputs.value("ia3_l")).shape == [12, 1])
    let inputs = try SmallLayers(IA3.self, [("feedforward_modules", .list(["fc"]))])
    let factors = try #require(inputs.value("ia3_l"))
    #expect(factors.shape == [1, 8])
    factors.value = Tensor(filledWith: 2, shape: [1, 8])
    let x = Tensor(filledWith: 1, shape: [1, 8])
    let site = inputs.layers[0].site
    let expected = linear(x.scaled(by: 2), weight: site.weight.value, bias: site.bias?.value)
    #expect(inputs.layers[0](x, .evaluation).largestDifference(from: expected) < 1e-6)
    #expect(
      try inputs.adapter.method?.configuration(inputs.adapter)["feedforward_modules"]
        == ["blocks.0.fc"])
  }

  @Test("reads PEFT's ends of paths and regular expressions")
  func patterns() throws {
    let listed = try IA3.options(["feedforward_modules": ["mlp.fc2"]])
    #expect(listed == [PlainValue.Field("feedforward_modules", .list(["re:.*mlp\\.fc2"]))])
    let text = try IA3.options(["feedforward_modules": ".*\\.fc1"])
    #expect(text == [PlainValue.Field("feedforward_modules", .list(["re:.*\\.fc1"]))])
  }
}
