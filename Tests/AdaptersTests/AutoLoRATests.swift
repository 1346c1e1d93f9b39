import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("AutoLoRA")
struct AutoLoRATests {
  private let x = FiniteDifferences.values([2, 5, 8], seed: 5).cast(to: .f32)

  private func layers(_ saved: SavedPairs, start: Double = 0) throws -> SmallLayers {
    try SmallLayers(
      AutoLoRA.self,
      [("adapters", .list(saved.paths.map { .path($0) })), ("start", .number(start))])
  }

  private func added(_ layers: SmallLayers) throws -> Tensor {
    let site = layers.layers[0].site
    let plain = linear(x, weight: site.weight.value, bias: try #require(site.bias).value)
    return layers.layers[0](x, .evaluation) - plain
  }

  @Test("begins with equal strengths of all adapters")
  func start() throws {
    let saved = try SavedPairs(module: ["blocks", "0", "fc"], ranks: [3, 2])
    #expect(AutoLoRA.isExperimental)
    let sum = linear(x, weight: saved.changes[0] + saved.changes[1])
    let half = try added(try layers(saved))
    #expect(half.largestDifference(from: sum.scaled(by: 0.5)) < 1e-5)
    let most = try added(try layers(saved, start: 30))
    #expect(most.largestDifference(from: sum) < 1e-5)
  }

  @Test("strengths follow from the mean of a sample's tokens")
  func gates() throws {
    let saved = try SavedPairs(module: ["blocks", "0", "fc"], ranks: [3, 1, 2])
    let layers = try layers(saved)
    layers.perturb()
    let weight = try #require(layers.value("autolora_gate.weight")).value
    let bias = try #require(layers.value("autolora_gate.bias")).value
    let found = try added(layers)
    for sample in 0..<2 {
      let own = x.sliced(axis: 0, sample..<(sample + 1)).reshaped(to: [5, 8])
      let mean = own.averaged(over: [0]).reshaped(to: [1, 8])
      let gates = linear(mean, weight: weight, bias: bias).doubles.map(\.logistic)
      #expect(Set(gates).count == 3)
      var wanted = Tensor(zeros: [5, 12])
      for (gate, change) in zip(gates, saved.changes) {
        wanted = wanted + linear(own, weight: change).scaled(by: gate)
      }
      let part = found.sliced(axis: 0, sample..<(sample + 1)).reshaped(to: [5, 12])
      #expect(part.largestDifference(from: wanted) < 1e-5)
    }
  }

  @Test("trains the gates alone")
  func trained() throws {
    let saved = try SavedPairs(module: ["blocks", "0", "fc"], ranks: [3, 1])
    let layers = try layers(saved)
    let names = ["weight", "bias"].map { "blocks.0.fc.autolora_gate." + $0 }
    #expect(layers.adapter.parameters.map(\.path) == names)
  }
}
