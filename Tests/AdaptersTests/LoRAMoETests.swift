import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("LoRAMoE")
struct LoRAMoETests {
  private let x = FiniteDifferences.values([2, 3, 8], seed: 5).cast(to: .f32)

  private func layers(_ more: [(String, PlainValue)] = []) throws -> SmallLayers {
    let layers = try SmallLayers(
      LoRAMoE.self, [("r", 2), ("alpha", 3), ("n_experts", 4)] + more)
    layers.perturb()
    return layers
  }

  /// The router's weights of every token, `[6][4]`.
  private func weights(_ layers: SmallLayers) throws -> [[Double]] {
    let router = try #require(layers.value("loramoe_router")).value
    let logits = linear(x, weight: router).doubles
    return (0..<6).map { token in
      let own = logits[(4 * token)..<(4 * token + 4)].map { $0.exponential }
      return own.map { $0 / own.reduce(0, +) }
    }
  }

  @Test("a token goes through all experts, by the router's softmax")
  func mixture() throws {
    let layers = try layers()
    let a = try #require(layers.value("loramoe_A")).value
    let b = try #require(layers.value("loramoe_B")).value
    let site = layers.layers[0].site
    let plain = linear(x, weight: site.weight.value, bias: try #require(site.bias).value)
    let found = (layers.layers[0](x, .evaluation) - plain).doubles
    let weights = try weights(layers)
    let experts = (0..<4).map { expert in
      linear(
        linear(x, weight: a.sliced(axis: 0, (2 * expert)..<(2 * expert + 2))),
        weight: b.sliced(axis: 1, (2 * expert)..<(2 * expert + 2))
      ).doubles
    }
    for place in 0..<72 {
      let wanted = (0..<4).reduce(0) { $0 + 1.5 * weights[place / 12][$1] * experts[$1][place] }
      #expect(abs(found[place] - wanted) < 1e-5)
    }
  }

  @Test("balances the experts of a batch", arguments: ["none", "first", "second"])
  func balance(type: String) throws {
    let layers = try layers([
      ("balance_weight", 0.5), ("balance_delta", 0.25), ("sample_type", .text(type)),
    ])
    let site = layers.layers[0].site
    _ = layers.layers[0](x, .evaluation)
    #expect(site.penalty() == nil, "evaluation has no loss of its own")
    let training = ForwardContext.training(seed: 1, step: 0, samples: 0..<2)
    _ = layers.layers[0](x, training)
    let found = try #require(site.penalty())
    #expect(site.penalty() == nil, "counted once")

    let deltas: [String: Double] = ["none": 0, "first": 0.25, "second": -0.25]
    let delta = deltas[type] ?? 0
    func loss() throws -> Double {
      let weights = try weights(layers)
      var z: [Double] = []
      for sample in 0..<2 {
        for expert in 0..<4 {
          let tokens = (0..<3).map { weights[3 * sample + $0][expert] }
          let coefficient: Double = expert < 2 ? 1 + delta : 1 - delta
          z.append(tokens.reduce(0, +) * coefficient)
        }
      }
      let mean: Double = z.reduce(0, +) / 8
      let squares: [Double] = z.map { ($0 - mean) * ($0 - mean) }
      let variance: Double = squares.reduce(0, +) / 7
      return 0.5 * variance / (mean * mean)
    }
    #expect(abs(found.scalar - (try loss())) < 1e-6)
    let router = try #require(layers.value("loramoe_router"))
    let gradient = try #require(found.gradients()[router.leaf]).doubles
    let values = router.value.elements(as: Float.self)
    for place in [0, 13, 31] {
      var sides: [Double] = []
      for move in [Float(0.01), -0.01] {
        var moved = values
        moved[place] += move
        router.value = Tensor(moved, shape: [4, 8])
        sides.append(try loss())
      }
      router.value = Tensor(values, shape: [4, 8])
      #expect(abs(gradient[place] - (sides[0] - sides[1]) / 0.02) < 2e-4)
    }
  }

  @Test("a router that is sure gives one expert's LoRA")
  func single() throws {
    let layers = try layers()
    let router = try #require(layers.value("loramoe_router"))
    let sure = FiniteDifferences.values([6, 8], seed: 5).cast(to: .f32)
    let first = sure.sliced(axis: 0, 0..<1)
    router.value = Tensor.concatenated(
      [Tensor(zeros: [2, 8]), first.scaled(by: 1e3), Tensor(zeros: [1, 8])], axis: 0)
    let a = try #require(layers.value("loramoe_A")).value.sliced(axis: 0, 4..<6)
    let b = try #require(layers.value("loramoe_B")).value.sliced(axis: 1, 4..<6)
    let site = layers.layers[0].site
    let plain = linear(first, weight: site.weight.value, bias: try #require(site.bias).value)
    let wanted = linear(linear(first, weight: a), weight: b).scaled(by: 1.5)
    let found = layers.layers[0](first, .evaluation) - plain
    #expect(found.largestDifference(from: wanted) < 1e-5)
  }

  @Test("refuses an odd number of experts in halves")
  func halves() {
    #expect(throws: (any Error).self) {
      _ = try SmallLayers(LoRAMoE.self, [("n_experts", 3), ("sample_type", "first")])
    }
  }
}
