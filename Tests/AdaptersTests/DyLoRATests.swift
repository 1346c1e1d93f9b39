import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("DyLoRA")
struct DyLoRATests {
  private func layers(_ options: [(String, PlainValue)] = []) throws -> SmallLayers {
    let layers = try SmallLayers(LoRA.self, [("r", 4), ("alpha", 6)], count: 2) {
      $0.schedule = try made(DyLoRA.options, options, DyLoRA.init)
    }
    layers.perturb()
    return layers
  }

  @Test(
    "every step runs with the leading part of the pair, scaled by α over its rank",
    arguments: [false, true])
  func cut(frozen: Bool) throws {
    let layers = try layers([("frozen", .boolean(frozen))])
    let hooks = try layers.adapter.hooks()
    let x = FiniteDifferences.values([3, 8], seed: 2).cast(to: .f32)
    var seen = Set<Int>()
    for step in 0..<24 {
      let before = layers.adapter.parameters.map(\.value)
      for hook in hooks { hook.begin(step: step, of: 24) }
      let change = try layers.change()
      let ranks = (1...4).filter { rank in
        let product = matrixProduct(
          before[1].sliced(axis: 1, 0..<rank), before[0].sliced(axis: 0, 0..<rank))
        let wanted = product.scaled(by: 6 / Double(rank))
        return wanted.largestDifference(from: change) < 1e-5
      }
      let rank = try #require(ranks.first)
      seen.insert(rank)
      var gradients = (layers.layers[0](x, .evaluation)).sum().gradients()
      for hook in hooks { hook.change(&gradients, step: step, of: 24) }
      // The optimizer moves every value, as momentum does without a gradient too.
      for parameter in layers.adapter.parameters {
        parameter.value = parameter.value + Tensor(filledWith: 0.125, shape: parameter.shape)
      }
      for hook in hooks { hook.end(step: step, of: 24) }
      let updated = frozen ? (rank - 1)..<rank : 0..<rank
      for (index, parameter) in layers.adapter.parameters.enumerated() {
        let moved = (parameter.value - before[index]).doubles
        for (place, value) in moved.enumerated() {
          let unit = index % 2 == 0 ? place / 8 : place % 4
          #expect(abs(value - (updated.contains(unit) ? 0.125 : 0)) < 1e-6, "rank \(rank)")
        }
      }
    }
    #expect(seen == [1, 2, 3, 4])
  }

  @Test("gradients are those with respect to the whole pair")
  func gradients() throws {
    let layers = try layers()
    let hooks = try layers.adapter.hooks()
    let x = FiniteDifferences.values([3, 8], seed: 2).cast(to: .f32)
    let (a, b) = (layers.adapter.parameters[0], layers.adapter.parameters[1])
    let whole = (a.value, b.value)
    for hook in hooks { hook.begin(step: 3, of: 9) }
    let rank = try #require(
      (1...4).last { b.value.sliced(axis: 1, ($0 - 1)..<$0).largestMagnitude > 0 })
    var found = layers.layers[0](x, .evaluation).sum().gradients()
    for hook in hooks { hook.change(&found, step: 3, of: 9) }
    // L = Σ (α/b) B_b A_b x: ∂L/∂A = (α/b) B_bᵀ 1 xᵀ.
    let ones = Tensor(filledWith: 1, shape: [3, 12])
    let wanted = matrixProduct(
      matrixProduct(ones, whole.1).permuted([1, 0]), x
    ).scaled(by: 6 / Double(rank))
    let gradient = try #require(found[a.leaf])
    for unit in 0..<4 {
      let row = gradient.sliced(axis: 0, unit..<(unit + 1))
      let expected = wanted.sliced(axis: 0, unit..<(unit + 1))
      if unit < rank {
        #expect(row.largestDifference(from: expected) < 1e-4)
      } else {
        #expect(row.largestMagnitude == 0)
      }
    }
  }

  @Test("is refused for other methods")
  func refused() throws {
    let other = try SmallLayers(LoRAXS.self, [("r", 4)]) {
      $0.schedule = try made(DyLoRA.options, [], DyLoRA.init)
    }
    let error = #expect(throws: AdapterError.self) { _ = try other.adapter.hooks() }
    #expect(error?.description.contains("method lora") == true)
  }
}
