import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("WeLore")
struct WeLoreTests {
  /// Layers `[8, 8]` whose singular values are given.
  private func adapted(
    _ spectra: [[Float]], _ options: [(String, PlainValue)]
  ) throws -> (layers: [Linear], adapter: AttachedAdapter) {
    let builder = ModelBuilder()
    let layers = spectra.indices.map {
      Linear(builder.root / "blocks" / $0 / "fc", inputs: 8, outputs: 8)
    }
    builder.tree.initialize(seed: 1)
    for parameter in builder.tree.parameters { parameter.isTrainable = false }
    for (layer, values) in zip(layers, spectra) {
      let parts = layer.site.weight.value.singularValues()
      layer.site.weight.value = matrixProduct(
        parts.left * Tensor(values, shape: [8]), parts.right)
    }
    var settings = AdapterSettings(name: "test", method: "lora")
    settings.targets = [try Pattern("fc")]
    settings.initialization = try initialization(WeLore.self, options)
    let adapter = try AttachedAdapter(
      settings, method: LoRA(LowRank(rank: 4, alpha: 8), form: .pair), on: builder.tree,
      defaults: [], seed: 5)
    return (layers, adapter)
  }

  private let steep: [Float] = [10, 6, 2, 0.5, 0.4, 0.3, 0.2, 0.1]
  private let flat: [Float] = [10, 9, 8, 7, 6, 5, 4, 3]

  @Test("counts singular values above the threshold and leaves weights of high rank out")
  func ranks() throws {
    let (layers, adapter) = try adapted([steep, flat], [])
    #expect(adapter.modules.map(\.target.site.path) == ["blocks.0.fc"])
    #expect(adapter.modules[0].target.rank == 3)
    #expect(adapter.modules[0].target.scaling == 2)
    let site = layers[0].site
    #expect(try site.merged().weight.largestDifference(from: site.weight.value) == 0)
    let (a, b) = (adapter.parameters[0].value, adapter.parameters[1].value)
    let rest = site.weight.value - matrixProduct(b, a).scaled(by: 2)
    #expect(abs(rest.sumOfSquares() - 0.55) < 1e-4, "0.5² + 0.4² + 0.3² + 0.2² + 0.1²")
    let (_, fewer) = try adapted([steep, flat], [("threshold", 0.5)])
    #expect(fewer.modules.map(\.target.rank) == [2])
  }

  @Test("finds the threshold that saves a share of the values")
  func reduction() throws {
    // Ranks 3 and whole: 48 + 64 of 128 values; 2 and whole: 32 + 64; 1 and whole: 16 + 64.
    let (_, adapter) = try adapted([steep, flat], [("reduction", 0.2)])
    #expect(adapter.modules.map(\.target.rank) == [2])
    let (_, least) = try adapted([steep, flat], [("reduction", 0.1)])
    #expect(least.modules.map(\.target.rank) == [3])
    // Rank 3 of the flat one too, above 0.7: 16 + 48.
    let (_, most) = try adapted([steep, flat], [("reduction", 0.5)])
    #expect(most.modules.map(\.target.rank) == [1, 3])
  }

  @Test("refuses weights without a low rank, and savings that no rank gives")
  func refusals() {
    #expect(throws: AdapterError.self) { _ = try adapted([flat], []) }
    #expect(throws: AdapterError.self) { _ = try adapted([flat], [("reduction", 0.9)]) }
  }
}
