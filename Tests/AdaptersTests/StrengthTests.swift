import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Strength")
struct StrengthTests {
  private let options: [(String, PlainValue)] = [("t_0", 4), ("t_mult", 2), ("f_min", 0.25)]

  private func layers(
    _ type: any AdapterMethod.Type = LoRA.self, _ settings: [(String, PlainValue)] = [("r", 2)]
  ) throws -> SmallLayers {
    let layers = try SmallLayers(type, settings) {
      $0.schedule = try made(Strength.options, options, Strength.init)
    }
    layers.perturb()
    return layers
  }

  @Test("falls along a cosine and starts again, in periods that grow")
  func cosine() throws {
    let strength = try made(Strength.options, options, Strength.init)
    #expect(Strength.isExperimental)
    let found = (0..<13).map { strength.factor(step: $0) }
    for restart in [0, 4, 12] { #expect(found[restart] == 1) }
    #expect(abs(found[2] - 0.625) < 1e-12, "half of the way at the middle of 4 steps")
    #expect(abs(found[8] - 0.625) < 1e-12, "and of 8")
    #expect(found[11] > 0.25 && found[11] < found[3])
  }

  @Test("a step sees the weakened update, and its gradient", arguments: ["lora", "gated-lora"])
  func step(name: String) throws {
    let type: any AdapterMethod.Type = name == "lora" ? LoRA.self : GatedLoRA.self
    let layers = try layers(type)
    let up = try #require(
      layers.adapter.parameters.first {
        $0.path.hasSuffix("lora_B.weight") || $0.path.hasSuffix("lora_up.weight")
      })
    let x = FiniteDifferences.values([3, 8], seed: 2).cast(to: .f32)
    let whole = up.value
    func loss() -> Tensor { layers.layers[0](x, .evaluation).sum() }
    let full = try #require(loss().gradients()[up.leaf])
    up.value = whole.scaled(by: 0.625)
    let (wanted, weak) = (loss().scalar, try #require(loss().gradients()[up.leaf]))
    up.value = whole
    let hooks = try layers.adapter.hooks()
    for hook in hooks { hook.begin(step: 2, of: 9) }
    #expect(abs(loss().scalar - wanted) < 1e-4)
    var gradients = loss().gradients()
    for hook in hooks { hook.change(&gradients, step: 2, of: 9) }
    #expect(up.value.largestDifference(from: whole) == 0)
    let found = try #require(gradients[up.leaf])
    #expect(found.largestDifference(from: weak.scaled(by: 0.625)) < 1e-5)
    #expect(found.largestDifference(from: full) > 1e-3)
    up.value = up.value + Tensor(filledWith: 0.125, shape: up.shape)
    for hook in hooks { hook.end(step: 2, of: 9) }
    let moved = (up.value - whole).doubles
    #expect(moved.allSatisfy { abs($0 - 0.125) < 1e-6 }, "the optimizer's step stays whole")
  }

  @Test("is refused for other methods, and where an init took a part of the weight over")
  func refusals() throws {
    let other = try layers(LoRAXS.self)
    #expect(throws: AdapterError.self) { _ = try other.adapter.hooks() }
    let taken = try SmallLayers(LoRA.self, [("r", 2)]) {
      $0.schedule = try made(Strength.options, options, Strength.init)
      $0.initialization = try initialization(PiSSA.self, [])
    }
    #expect(throws: AdapterError.self) { _ = try taken.adapter.hooks() }
  }
}
