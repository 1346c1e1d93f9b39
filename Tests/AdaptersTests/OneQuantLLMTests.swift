import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("One QuantLLM")
struct OneQuantLLMTests {
  private func layers(serve: Int, balance: Double = 0.5, count: Int = 1) throws -> SmallLayers {
    try SmallLayers(
      OneQuantLLM.self,
      [("r", 2), ("bits", [4, 2, 3]), ("serve", .integer(serve)), ("balance", .number(balance))],
      inputs: 16, outputs: 12, count: count)
  }

  @Test("every width has its own rounded weight and its own pair", arguments: [2, 3, 4])
  func widths(bits: Int) throws {
    let layers = try layers(serve: bits)
    layers.perturb()
    let site = layers.layers[0].site
    let weight = site.weight.value
    let grids = AffineGrid.rows(of: weight, bits: bits)
    let rounded = GridWeight(weight, grids: grids, bits: bits).tensor([12, 16])
    let (a, b) = (
      try #require(layers.value("lora_A.\(bits).weight")),
      try #require(layers.value("lora_B.\(bits).weight"))
    )
    let wanted = rounded + matrixProduct(b.value, a.value)
    #expect(try site.merged().weight.largestDifference(from: wanted) < 1e-6)
    let levels = Set(
      rounded.sliced(axis: 0, 0..<1).elements(as: Float.self).map { $0.bitPattern })
    #expect(levels.count > 1 && levels.count <= 1 << bits)
    // Values lie on the grid of their row, as near as its step allows within its ends.
    let codes = zip(weight.elements(as: Float.self), rounded.elements(as: Float.self))
    for (index, (value, found)) in codes.enumerated() {
      let grid = grids[index / 16]
      let code = grid.code(value, largest: Float((1 << bits) - 1))
      #expect(grid.value(code) == found)
    }
  }

  @Test("a step trains one width of every module, and evaluation has the served one")
  func steps() throws {
    let layers = try layers(serve: 3, balance: 1, count: 3)
    let hook = try #require(layers.adapter.method?.hooks(layers.adapter).first)
    let x = FiniteDifferences.values([4, 16], seed: 1).cast(to: .f32)
    layers.perturb()
    let served = layers.layers.map { $0(x, .evaluation) }
    var shared = [Int](repeating: 0, count: 2)
    var seen = Set<String>()
    for step in 0..<200 {
      hook.begin(step: step, of: 200)
      let y = layers.layers.map { $0(x, .evaluation) }
      let gradients = (y[0].sum() + y[1].sum() + y[2].sum()).gradients()
      let trained = layers.adapter.parameters.filter { gradients[$0.leaf] != nil }.map(\.path)
      #expect(trained.count == 6, "a pair of each of three modules")
      let widths = trained.filter { $0.contains("lora_A") }
        .compactMap { $0.split(separator: ".").dropLast().last.map(String.init) }
      seen.formUnion(widths)
      if Set(widths).count == 1 { shared[step / 100] += 1 }
      hook.end(step: step, of: 200)
    }
    #expect(seen == ["2", "3", "4"])
    // By chance one width of three modules is shared in 1 of 9 steps; at the end in all of them.
    #expect(shared[1] > 60 && shared[0] < shared[1])
    for (a, b) in zip(layers.layers.map { $0(x, .evaluation) }, served) {
      #expect(a.bits == b.bits)
    }
  }

  @Test("refuses a width to serve that is not trained")
  func refusal() {
    #expect(throws: RecipeError.self) {
      _ = try OneQuantLLM.made([("bits", [2, 4]), ("serve", 3)])
    }
  }
}
