import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("MeteoRA")
struct MeteoRATests {
  private let x = FiniteDifferences.values([5, 8], seed: 5).cast(to: .f32)

  private func layers(
    _ saved: SavedPairs, k: Int = 2, temperature: Double = 1
  ) throws -> SmallLayers {
    try SmallLayers(
      MeteoRA.self,
      [
        ("adapters", .list(saved.paths.map { .path($0) })), ("k", .integer(k)),
        ("temperature", .number(temperature)),
      ])
  }

  private func added(_ layers: SmallLayers) throws -> [Double] {
    let site = layers.layers[0].site
    let plain = linear(x, weight: site.weight.value, bias: try #require(site.bias).value)
    return (layers.layers[0](x, .evaluation) - plain).doubles
  }

  @Test("one saved adapter is that adapter")
  func single() throws {
    let saved = try SavedPairs(module: ["blocks", "0", "fc"], ranks: [3])
    let found = try added(try layers(saved))
    let wanted = linear(x, weight: saved.changes[0]).doubles
    #expect(zip(found, wanted).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test("a token goes through the k adapters of largest logits, by their softmax")
  func gate() throws {
    let saved = try SavedPairs(module: ["blocks", "0", "fc"], ranks: [3, 1, 2])
    let layers = try layers(saved, temperature: 0.5)
    let gate = try #require(layers.value("meteora_gate"))
    gate.value = FiniteDifferences.values([3, 8], seed: 9).cast(to: .f32)
    let found = try added(layers)
    let logits = linear(x, weight: gate.value).doubles
    let parts = saved.changes.map { linear(x, weight: $0).doubles }
    var chosen = Set<[Int]>()
    for token in 0..<5 {
      let own = Array(logits[(3 * token)..<(3 * token + 3)])
      let pair = Array((0..<3).sorted { own[$0] > own[$1] }.prefix(2))
      chosen.insert(pair)
      // T = 0.5: the difference of logits counts twice.
      let share = (2 * (own[pair[0]] - own[pair[1]])).logistic
      for output in 0..<12 {
        let place = 12 * token + output
        let wanted = share * parts[pair[0]][place] + (1 - share) * parts[pair[1]][place]
        #expect(abs(found[place] - wanted) < 1e-5)
      }
    }
    #expect(chosen.count > 1, "tokens take different ways")
  }

  @Test("trains the gates alone")
  func trained() throws {
    let saved = try SavedPairs(module: ["blocks", "0", "fc"], ranks: [3, 1])
    let layers = try layers(saved)
    #expect(layers.adapter.parameters.map(\.path) == ["blocks.0.fc.meteora_gate"])
    #expect(layers.adapter.buffers.map(\.shape) == [[3, 8], [1, 8], [12, 3], [12, 1]])
  }

  @Test("refuses a weight that no adapter changed, and one of another shape")
  func refusals() throws {
    let elsewhere = try SavedPairs(module: ["blocks", "7", "fc"], ranks: [2])
    let missing = #expect(throws: AdapterError.self) { _ = try layers(elsewhere) }
    #expect("\(missing.map { "\($0)" } ?? "")".contains("no adapter of adapter.adapters"))
    let saved = try SavedPairs(module: ["blocks", "0", "fc"], ranks: [2])
    let options: [(String, PlainValue)] = [("adapters", .list([.path(saved.paths[0])]))]
    #expect(
      throws: AdapterError.wrongShape(
        path: saved.paths[0], key: "blocks.0.fc.lora_A.weight", expected: [2, 6], found: [2, 8])
    ) { _ = try SmallLayers(MeteoRA.self, options, inputs: 6) }
    let method = try #require(try layers(saved).adapter.method)
    try method.checkBase("d1")
    #expect(
      throws: AdapterError.foreignBase(expected: "d1", found: "d2", path: saved.paths[0])
    ) { try method.checkBase("d2") }
    let absent: [(String, PlainValue)] = [("adapters", .list([.path("/nowhere")]))]
    #expect(throws: AdapterError.self) { _ = try SmallLayers(MeteoRA.self, absent) }
  }
}
