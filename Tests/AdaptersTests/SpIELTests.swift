import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("SpIEL")
struct SpIELTests {
  private let x = FiniteDifferences.values([4, 8], seed: 2).cast(to: .f32)
  private let options: [(String, PlainValue)] = [
    ("r", 1), ("reselection_steps", 4), ("selection_accumulation_steps", 2),
    ("initial_reselection_rate", 0.5), ("betas", [0.5, 0.75]),
  ]

  private func slope(_ step: Int) -> Tensor {
    FiniteDifferences.values([4, 12], seed: 30 + step).cast(to: .f32)
  }

  /// ∂L/∂W of a step, `[12][8]` in one row.
  private func gradient(_ step: Int) -> [Double] {
    matrixProduct(slope(step).permuted([1, 0]), x).doubles
  }

  /// A step of rate 0.1 with what hooks do around it; gives the direction of the values.
  private func step(
    _ layers: SmallLayers, _ hooks: [any TrainingHook], _ number: Int
  ) throws -> [Double] {
    for hook in hooks { hook.begin(step: number, of: 100) }
    let context = ForwardContext.training(seed: 1, step: number, samples: 0..<4)
    var gradients = layers.layers[0](x, context).gradients(for: slope(number))
    for hook in hooks { hook.change(&gradients, step: number, of: 100) }
    let values = layers.adapter.parameters[0]
    let direction = try #require(gradients[values.leaf])
    values.value = values.value - direction.scaled(by: 0.1)
    for hook in hooks { hook.end(step: number, of: 100) }
    return direction.doubles
  }

  private func places(_ layers: SmallLayers) throws -> [Int] {
    try #require(layers.value("spiel_indices")).value.elements(as: Int32.self).map { Int($0) }
  }

  /// The `count` places of largest magnitude outside of some.
  private func largest(_ sums: [Double], _ count: Int, outside: Set<Int> = []) -> Set<Int> {
    let free = sums.indices.filter { !outside.contains($0) }
    return Set(free.sorted { abs(sums[$0]) > abs(sums[$1]) }.prefix(count))
  }

  @Test("the first choice takes the entries of largest gradient, drawn ones go")
  func first() throws {
    let layers = try SmallLayers(SpIEL.self, options)
    let hooks = try layers.adapter.hooks()
    let drawn = try places(layers)
    #expect(Set(drawn).count == 20 && drawn == drawn.sorted())
    _ = try step(layers, hooks, 0)
    #expect(try places(layers) == drawn, "still looking")
    let before = layers.adapter.parameters[0].value.doubles
    _ = try step(layers, hooks, 1)
    let found = try places(layers)
    // Candidates are those of the first step, and there are as many as entries.
    let candidates = largest(gradient(0), 20)
    #expect(Set(found) == candidates)
    let (values, ages) = (
      layers.adapter.parameters[0].value.doubles,
      try #require(layers.value("spiel_ages")).value.doubles
    )
    #expect(ages.allSatisfy { $0 == 2 }, "two steps were seen of all of them")
    let sums = zip(gradient(0), gradient(1)).map { $0 + $1 }
    let squares = zip(gradient(0), gradient(1)).map { $0 * $0 + $1 * $1 }
    let averages = try #require(layers.value("spiel_first")).value.doubles
    let roots = try #require(layers.value("spiel_second")).value.doubles
    var (kept, new) = (0, 0)
    for (entry, place) in found.enumerated() {
      guard drawn[entry] != place else {
        kept += 1
        #expect(values[entry] != 0 && before[entry] != 0, "goes and comes: it stays")
        continue
      }
      new += 1
      #expect(values[entry] == 0)
      #expect(abs(averages[entry] - sums[place] / 2 * 0.75) < 1e-5, "1 − 0.5²")
      #expect(abs(roots[entry] - squares[place] / 2 * 0.4375) < 1e-5, "1 − 0.75²")
    }
    #expect(kept > 0 && new > 0)
  }

  @Test("later the least entries go, fewer with every choice, and the best candidates come")
  func later() throws {
    let layers = try SmallLayers(SpIEL.self, options)
    let hooks = try layers.adapter.hooks()
    for number in 0..<5 { _ = try step(layers, hooks, number) }
    let before = try places(layers)
    for hook in hooks { hook.begin(step: 5, of: 100) }
    let context = ForwardContext.training(seed: 1, step: 5, samples: 0..<4)
    var gradients = layers.layers[0](x, context).gradients(for: slope(5))
    for hook in hooks { hook.change(&gradients, step: 5, of: 100) }
    let values = layers.adapter.parameters[0].value.doubles
    for hook in hooks { hook.end(step: 5, of: 100) }
    // p = 0.5 · (1 − 6 / 100) of 20 entries.
    let order = values.indices.sorted { abs(values[$0]) < abs(values[$1]) }
    let gone = Set(order.prefix(9).map { before[$0] })
    let staying = Set(before).subtracting(gone)
    let sums = zip(gradient(4), gradient(5)).map { $0 + $1 }
    let candidates = largest(gradient(4), 20)
    let others = Set(sums.indices).subtracting(candidates)
    let coming = largest(sums, 9, outside: staying.union(others))
    let leaving = gone.subtracting(coming).count
    #expect(coming.count == 9 && leaving > 0)
    #expect(Set(try places(layers)) == staying.union(coming))
  }

  @Test("every entry has Adam's step of its own age")
  func ages() throws {
    let layers = try SmallLayers(SpIEL.self, options)
    let hooks = try layers.adapter.hooks()
    for number in 0..<2 { _ = try step(layers, hooks, number) }
    let ages = try #require(layers.value("spiel_ages"))
    let marked = (0..<20).map { Float($0 % 3) }
    ages.value = Tensor(marked, shape: [20])
    let first = try #require(layers.value("spiel_first")).value.doubles
    let second = try #require(layers.value("spiel_second")).value.doubles
    let direction = try step(layers, hooks, 2)
    let (places, dense) = (try places(layers), gradient(2))
    for entry in 0..<20 {
      let g = dense[places[entry]]
      let age = Int(marked[entry]) + 1
      let m = (0.5 * first[entry] + 0.5 * g) / (1 - [0.5, 0.25, 0.125][age - 1])
      let v = (0.75 * second[entry] + 0.25 * g * g) / (1 - [0.75, 0.5625, 0.421875][age - 1])
      #expect(abs(direction[entry] - m / (v.squareRoot() + 1e-8)) < 1e-4)
    }
    #expect(ages.value.doubles == marked.map { Double($0 + 1) })
    let policy = layers.adapter.method?.policy(of: layers.adapter.parameters[0])
    #expect(policy == UpdatePolicy(decays: false, isPlain: true))
  }

  @Test("a file has values and places, not what training remembers")
  func file() throws {
    let layers = try SmallLayers(SpIEL.self, options)
    let method = try #require(layers.adapter.method)
    let module = SiteModules(site: layers.layers[0].site, modules: layers.adapter.modules)
    let names = try method.stored(module).map(\.name)
    #expect(names == ["blocks.0.fc.spiel_values", "blocks.0.fc.spiel_indices"])
    #expect(layers.adapter.buffers.count == 8)
  }

  @Test("refuses more entries than there are, and a window as long as the period")
  func refusals() {
    #expect(throws: AdapterError.self) { _ = try SmallLayers(SpIEL.self, [("r", 5)]) }
    let long: [(String, PlainValue)] = [
      ("reselection_steps", 4), ("selection_accumulation_steps", 4), ("r", 1),
    ]
    #expect(throws: (any Error).self) { _ = try SmallLayers(SpIEL.self, long) }
  }
}
