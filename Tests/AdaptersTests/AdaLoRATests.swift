import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("AdaLoRA")
struct AdaLoRATests {
  private let options: [(String, PlainValue)] = [
    ("init_r", 4), ("target_r", 2), ("tinit", 2), ("tfinal", 3), ("delta_t", 1),
    ("orth_reg_weight", 0.5),
  ]

  @Test("lets the budget fall as a cube")
  func budget() throws {
    let reader = OptionReader(
      Located(
        plain: .map(options.map { PlainValue.Field($0.0, $0.1) }),
        at: SourceLocation(source: "test")), AdaLoRA.options, Diagnostics())
    let settings = AdaLoRABudget.Settings(reader)
    func left(_ step: Int) -> Int { settings.budget(step: step, of: 25, first: 16, modules: 4) }
    #expect(left(0) == 16 && left(2) == 16)
    #expect(left(12) == 9, "8 · 0.5³ + 8")
    #expect(left(22) == 8 && left(24) == 8)
  }

  @Test("takes the least important triplets away, and keeps them away in the end")
  func allocation() throws {
    let layers = try SmallLayers(AdaLoRA.self, options, count: 2)
    layers.perturb()
    let hooks = try layers.adapter.hooks()
    let energies = layers.adapter.parameters.filter { $0.path.hasSuffix("lora_E") }
    let x = FiniteDifferences.values([4, 8], seed: 2).cast(to: .f32)
    func remaining() -> Int { energies.flatMap(\.value.doubles).filter { $0 != 0 }.count }
    for step in 0..<12 {
      let y = layers.layers[1](layers.layers[0](x, .evaluation).sliced(axis: 1, 0..<8), .evaluation)
      var gradients = (y * y).sum().gradients()
      for hook in hooks { hook.change(&gradients, step: step, of: 12) }
      // The optimizer moves every value.
      for energy in energies {
        energy.value = energy.value + Tensor(filledWith: 0.01, shape: [4, 1])
      }
      for hook in hooks { hook.end(step: step, of: 12) }
      if step <= 2 { #expect(remaining() == 8) }
      if step >= 9 { #expect(remaining() == 4, "step \(step)") }
    }
  }

  @Test("asks for orthogonal factors")
  func orthogonality() throws {
    let layers = try SmallLayers(AdaLoRA.self, options)
    let change = layers.adapter.modules[0].change
    let rows = layers.adapter.modules[0].target.layer
    let (a, b) = (
      try #require(layers.value("lora_A")), try #require(layers.value("lora_B"))
    )
    a.value = a.value.permuted([1, 0]).orthogonalTriangular().q.permuted([1, 0])
    b.value = b.value.orthogonalTriangular().q
    #expect(abs(try #require(change.penalty(rows)).scalar) < 1e-5)
    a.value = Tensor(zeros: [4, 8])
    // ‖−I‖ of one of two factors, times 0.5.
    #expect(abs(try #require(change.penalty(rows)).scalar - 0.5) < 1e-5)
  }
}
