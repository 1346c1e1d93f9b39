import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("DeLoRA")
struct DeLoRATests {
  @Test("does not see the lengths of its directions")
  func lengths() throws {
    let layers = try SmallLayers(DeLoRA.self, [("r", 2)])
    layers.perturb()
    let before = try layers.change()
    let down = try #require(layers.value("delora_A"))
    down.value = down.value.scaled(by: 7)
    #expect(try layers.change().largestDifference(from: before) < 1e-5 * before.largestMagnitude)
    let strength = try #require(layers.value("delora_lambda"))
    strength.value = strength.value.scaled(by: 2)
    let doubled = try layers.change()
    #expect(
      doubled.largestDifference(from: before.scaled(by: 2)) < 1e-4 * before.largestMagnitude)
  }

  @Test("keeps the norms of the weight's columns")
  func norms() throws {
    let layers = try SmallLayers(DeLoRA.self, [("r", 2)])
    let columns = layers.layers[0].site.weight.value.permuted([1, 0]).rowLengths
    let kept = try #require(layers.value("delora_w_norm")).value.doubles
    for (a, b) in zip(columns, kept) { #expect(abs(a - b) < 1e-6) }
  }
}
