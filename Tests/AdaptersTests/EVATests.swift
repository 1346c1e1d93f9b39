import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("EVA")
struct EVATests {
  /// Two layers of 6 inputs: the first gets two directions, the second all of them alike.
  private func attached(
    _ options: [(String, PlainValue)] = [], rank: Int = 2, convolution: Bool = false
  ) throws -> (adapter: AttachedAdapter, inputs: [[Tensor]]) {
    let builder = ModelBuilder()
    let first = Linear(builder.root / "a", inputs: 6, outputs: 8)
    let second = Linear(builder.root / "b", inputs: 6, outputs: 8)
    if convolution {
      _ = Convolution(builder.root / "c", inputs: 2, outputs: 3, kernel: [3, 3])
    }
    builder.tree.initialize(seed: 2)
    let mean = FiniteDifferences.values([6], seed: 7)
    let inputs = (0..<3).map { sample in
      let narrow = FiniteDifferences.values([20, 2], seed: 10 + sample)
      let directions = FiniteDifferences.values([2, 6], seed: 30)
      return [
        (matrixProduct(narrow, directions) + mean.scaled(by: 5)).cast(to: .f32)
          .reshaped(to: [2, 10, 6]),
        FiniteDifferences.values([20, 6], seed: 20 + sample).cast(to: .f32),
      ]
    }
    var settings = AdapterSettings(name: "test", method: "lora")
    settings.targets = try ["a", "b", "c"].prefix(convolution ? 3 : 2).map { try Pattern($0) }
    settings.initialization = try initialization(EVA.self, options)
    let probe = SampleProbe(
      parameters: [first.site.weight, second.site.weight], gradients: [],
      inputs: inputs.map { [("a", $0[0]), ("b", $0[1])] }, count: 3)
    let adapter = try AttachedAdapter(
      settings, method: LoRA(LowRank(rank: rank, alpha: 3)), on: builder.tree, defaults: [],
      seed: 5, probe: probe)
    return (adapter, inputs)
  }

  /// Scatter of the centered inputs of a layer over the first samples.
  private func scatter(_ inputs: [[Tensor]], _ layer: Int, samples: Int = 3) -> Tensor {
    let rows = Tensor.concatenated(
      inputs.prefix(samples).map { $0[layer].cast(to: .f64).reshaped(to: [-1, 6]) }, axis: 0)
    let mean = rows.summed(over: [0]).scaled(by: 1 / Double(rows.shape[0]))
    let centered = rows - mean.expanded(to: rows.shape)
    return matrixProduct(centered.permuted([1, 0]), centered)
  }

  @Test("A holds the principal components of centered inputs, B is zero")
  func components() throws {
    let (adapter, inputs) = try attached([("rho", 1)])
    for layer in 0..<2 {
      let (a, b) = (
        adapter.parameters[2 * layer].value, adapter.parameters[2 * layer + 1].value
      )
      #expect(a.shape == [2, 6] && b.largestMagnitude == 0)
      let (values, vectors) = scatter(inputs, layer).symmetricEigenvalues()
      let overlap = matrixProduct(a.cast(to: .f64), vectors).doubles
      for row in 0..<2 {
        #expect(abs(abs(overlap[row * 6 + 5 - row]) - 1) < 1e-6, "component \(row)")
      }
      #expect(values.doubles[5] > values.doubles[3])
    }
    #expect(adapter.buffers.isEmpty)
  }

  @Test("ranks go where inputs have few directions, the scaling stays")
  func ranks() throws {
    let (adapter, inputs) = try attached()
    let shares = (0..<2).map { layer in
      let values = scatter(inputs, layer).symmetricEigenvalues().values.doubles
      return values.reversed().prefix(4).map { $0 / values.reduce(0, +) }
    }
    let taken = shares.flatMap { $0 }.sorted(by: >).prefix(4)
    let wanted = shares.map { $0.filter { $0 >= taken[3] }.count }
    #expect(adapter.modules.map(\.target.rank) == wanted)
    #expect(wanted.reduce(0, +) == 4 && shares[0][0] + shares[0][1] > 0.999)
    #expect(adapter.modules.allSatisfy { abs($0.target.scaling - 1.5) < 1e-12 })
    let fixed = try attached([("adjust_scaling_factors", false)]).adapter
    #expect(fixed.modules.allSatisfy { $0.target.alpha == 3 })
    // One rank for two layers: the second gets none and is left alone.
    let one = try attached(rank: 1).adapter
    #expect(one.modules.map(\.target.site.path) == ["a"] && one.modules[0].target.rank == 2)
  }

  @Test("looks at the first samples alone, and whitens")
  func samples() throws {
    let (adapter, inputs) = try attached([("rho", 1), ("samples", 1), ("whiten", true)])
    let (values, _) = scatter(inputs, 1, samples: 1).symmetricEigenvalues()
    let lengths = adapter.parameters[2].value.rowLengths
    for row in 0..<2 {
      let singular = values.doubles[5 - row].squareRoot()
      #expect(abs(lengths[row] * singular.squareRoot() - 1) < 1e-5)
    }
  }

  @Test("refuses convolutions")
  func refused() {
    let error = #expect(throws: AdapterError.self) { _ = try attached(convolution: true) }
    #expect(error?.description.contains("convolution") == true)
  }
}
