import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Q-Adapter")
struct QAdapterTests {
  private let x = FiniteDifferences.values([2, 5, 8], seed: 3).cast(to: .f32)

  private func value(_ adapted: AdaptedBlock, _ name: String) throws -> Parameter {
    try #require(adapted.adapter.parameters.first { $0.path == "block.adapter_mlp." + name })
  }

  @Test("queries gather from the tokens of a sample, and tokens read the queries")
  func formula() throws {
    let adapted = try AdaptedBlock(QAdapter.self, [("h", 4), ("n_queries", 3)], moves: true)
    #expect(QAdapter.isExperimental)
    let gate = try value(adapted, "gate")
    gate.value = Tensor([0.5] as [Float], shape: [1])
    let down = linear(
      x, weight: try value(adapted, "adapter_down.weight").value,
      bias: try value(adapted, "adapter_down.bias").value
    ).doubles
    let queries = try value(adapted, "queries").value.doubles
    /// Mixtures of rows `[5][4]` or `[3][4]` by their products with a row.
    func read(_ row: ArraySlice<Double>, _ rows: [ArraySlice<Double>]) -> [Double] {
      let weights = rows.map { other in
        (zip(row, other).reduce(0) { $0 + $1.0 * $1.1 } / 2).exponential
      }
      let sum = weights.reduce(0, +)
      return (0..<4).map { place in
        zip(weights, rows).reduce(0) { $0 + $1.0 / sum * $1.1[$1.1.startIndex + place] }
      }
    }
    var mixed: [Float] = []
    for sample in 0..<2 {
      let tokens = (0..<5).map { down[(20 * sample + 4 * $0)..<(20 * sample + 4 * $0 + 4)] }
      let gathered = (0..<3).map { read(queries[(4 * $0)..<(4 * $0 + 4)], tokens) }
      for token in tokens {
        mixed += read(token, gathered.map { $0[...] }).map { Float($0) }
      }
    }
    let up = linear(
      Tensor(mixed, shape: [2, 5, 4]), weight: try value(adapted, "adapter_up.weight").value,
      bias: try value(adapted, "adapter_up.bias").value)
    // tanh 0.5.
    let wanted = up.scaled(by: 0.46211715726000975)
    let found = adapted.mlp(Tensor(zeros: x.shape), normalized: x, stream: x)
    #expect(found.largestDifference(from: wanted) < 1e-5)
  }

  @Test("tokens have no order")
  func order() throws {
    let adapted = try AdaptedBlock(QAdapter.self, [("h", 4), ("n_queries", 3)], moves: true)
    let turned = Tensor.concatenated(
      [x.sliced(axis: 1, 2..<5), x.sliced(axis: 1, 0..<2)], axis: 1)
    let plain = adapted.mlp(Tensor(zeros: x.shape), stream: x)
    let found = adapted.mlp(Tensor(zeros: x.shape), stream: turned)
    #expect(
      found.sliced(axis: 1, 3..<5).largestDifference(from: plain.sliced(axis: 1, 0..<2)) < 1e-5)
    #expect(plain.largestMagnitude > 0.01)
  }

  @Test("the gate alone learns at first")
  func start() throws {
    let adapted = try AdaptedBlock(QAdapter.self, [("h", 4)])
    let gradients = adapted.mlp(x).sum().gradients()
    for parameter in adapted.adapter.parameters where parameter.path.contains("adapter_mlp") {
      let size = gradients[parameter.leaf]?.largestMagnitude ?? 0
      #expect((size > 0) == parameter.path.hasSuffix("gate"), "\(parameter.path)")
    }
  }
}
