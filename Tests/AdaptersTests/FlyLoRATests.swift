import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("FlyLoRA")
struct FlyLoRATests {
  private let options: [(String, PlainValue)] = [
    ("r", 4), ("k", 2), ("sparsity", 0.5), ("bias_lr", 0.125),
  ]

  @Test("freezes a sparse projection")
  func projection() throws {
    let layers = try SmallLayers(FlyLoRA.self, options)
    let a = try #require(layers.value("flylora.A")).value.doubles
    for row in 0..<4 {
      #expect(a[(row * 8)..<(row * 8 + 8)].filter { $0 != 0 }.count == 4)
    }
    #expect(layers.adapter.parameters.map(\.path) == ["blocks.0.fc.flylora.B"])
  }

  @Test("each token goes through the largest of its ranks, shifted by the bias")
  func routing() throws {
    let layers = try SmallLayers(FlyLoRA.self, options)
    layers.perturb()
    let bias = try #require(layers.value("flylora.d"))
    bias.value = Tensor([0.4, -0.1, 0, 0.05] as [Float], shape: [4])
    let a = try #require(layers.value("flylora.A")).value
    let b = try #require(layers.value("flylora.B")).value
    let x = FiniteDifferences.values([6, 8], seed: 5).cast(to: .f32)
    let plain = linear(
      x, weight: layers.layers[0].site.weight.value,
      bias: try #require(layers.layers[0].site.bias).value)
    let found = (layers.layers[0](x, .evaluation) - plain).doubles
    let (hidden, shift, up) = (linear(x, weight: a).doubles, bias.value.doubles, b.doubles)
    for token in 0..<6 {
      let u = Array(hidden[(token * 4)..<(token * 4 + 4)])
      let order = (0..<4).sorted { abs(u[$0] + shift[$0]) > abs(u[$1] + shift[$1]) }
      for output in 0..<12 {
        // α/r = 2.
        let wanted = order.prefix(2).reduce(0) { $0 + 2 * up[output * 4 + $1] * u[$1] }
        #expect(abs(found[token * 12 + output] - wanted) < 1e-5)
      }
    }
  }

  @Test("the bias moves once a step, against the load")
  func balance() throws {
    let layers = try SmallLayers(FlyLoRA.self, options)
    layers.perturb()
    let hooks = try layers.adapter.hooks()
    let bias = try #require(layers.value("flylora.d"))
    bias.value = Tensor([9, 5, 0, 0] as [Float], shape: [4])
    let x = FiniteDifferences.values([6, 8], seed: 5).cast(to: .f32)
    let training = ForwardContext.training(seed: 1, step: 0, samples: 0..<6)
    for hook in hooks { hook.begin(step: 0, of: 9) }
    for _ in 0..<3 { _ = layers.layers[0](x, training) }
    _ = layers.layers[0](x.scaled(by: 100), .evaluation)
    for hook in hooks { hook.end(step: 0, of: 9) }
    #expect(bias.value.doubles == [8.875, 4.875, 0.125, 0.125], "always and never active")
    for hook in hooks { hook.begin(step: 1, of: 9) }
    for hook in hooks { hook.end(step: 1, of: 9) }
    #expect(bias.value.doubles == [8.875, 4.875, 0.125, 0.125], "no token came by")
  }

  @Test("refuses more active ranks than there are")
  func active() {
    #expect(throws: (any Error).self) { _ = try SmallLayers(FlyLoRA.self, [("r", 4)]) }
  }
}
