import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Compacter")
struct CompacterTests {
  @Test("multiplies by a sum of Kronecker products")
  func kronecker() throws {
    let adapted = try AdaptedBlock(
      Compacter.self,
      [("N", 2), ("h", 4), ("factorised", false), ("activation", "identity")], moves: true)
    func value(_ name: String) throws -> [Double] {
      let parameter = try #require(
        adapted.adapter.parameters.first { $0.path.hasSuffix(name) }, "\(name)")
      return parameter.value.cast(to: .f64).elements()
    }
    let rule = try value("shared.phm_rule")
    /// Σᵢ Cᵢ ⊗ Wᵢ by rows, with Wᵢ `[rows, columns]`.
    func matrix(_ name: String, _ rows: Int, _ columns: Int) throws -> [[Double]] {
      let weights = try value("adapter_module_FFN.\(name).W")
      return (0..<(2 * rows)).map { row in
        (0..<(2 * columns)).map { column in
          (0..<2).reduce(0) { sum, term in
            sum + rule[(term * 2 + row / rows) * 2 + column / columns]
              * weights[(term * rows + row % rows) * columns + column % columns]
          }
        }
      }
    }
    func product(_ x: [Double], _ matrix: [[Double]], _ bias: [Double]) -> [Double] {
      bias.indices.map { column in
        x.indices.reduce(bias[column]) { $0 + x[$1] * matrix[$1][column] }
      }
    }
    let x: [Double] = FiniteDifferences.values([8], seed: 3).elements()
    let hidden = product(
      x, try matrix("down_sampler", 4, 2), try value("adapter_module_FFN.down_sampler.b"))
    let expected = zip(
      x,
      product(hidden, try matrix("up_sampler", 2, 4), try value("adapter_module_FFN.up_sampler.b"))
    ).map { $0 + $1 }
    let found = adapted.mlp(Tensor(x, shape: [1, 1, 8]).cast(to: .f32))
    let wanted = Tensor(expected, shape: [1, 1, 8]).cast(to: .f32)
    #expect(found.largestDifference(from: wanted) < 1e-5)
  }

  @Test("has one rule for all layers of all blocks, or one for each")
  func rule() throws {
    let builder = ModelBuilder()
    let blocks = (0..<2).map { BlockTarget(site: (builder.root / $0).block(width: 8)) }
    func rules(_ fields: [(String, PlainValue)]) throws -> [String] {
      try AttachedAdapter(
        AdapterSettings(name: "test", method: Compacter.name),
        method: try Compacter.made([("h", 4)] + fields), targets: [], blocks: blocks, seed: 1
      ).parameters.map(\.path).filter { $0.contains("phm_rule") }
    }
    #expect(try rules([]) == ["shared.phm_rule"])
    #expect(
      try rules([("rule_factorised", true)]) == ["shared.phm_rule_left", "shared.phm_rule_right"])
    #expect(try rules([("shared_rule", false)]).count == 8)
  }

  @Test("needs widths that N divides")
  func division() throws {
    #expect(throws: RecipeError.self) { _ = try Compacter.made([("N", 4), ("h", 6)]) }
    #expect(throws: AdapterError.self) { _ = try AdaptedBlock(Compacter.self, [], width: 10) }
  }
}
