import Adapters
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("LoRA-GA")
struct LoRAGATests {
  /// A layer of 7 inputs and 9 outputs whose gradient is known, with LoRA of rank 3 and scaling 1.5.
  private func attached(
    _ options: [(String, PlainValue)] = [], probed: Bool = true
  ) throws -> (site: AdaptationSite, adapter: AttachedAdapter, gradient: Tensor) {
    let builder = ModelBuilder()
    let layer = Linear(builder.root / "fc", inputs: 7, outputs: 9)
    builder.tree.initialize(seed: 2)
    let gradient = FiniteDifferences.values([9, 7], seed: 4).cast(to: .f32)
    var settings = AdapterSettings(name: "test", method: "lora")
    settings.targets = [try Pattern("fc")]
    settings.initialization = try initialization(LoRAGA.self, options)
    let probe = SampleProbe(
      parameters: [layer.site.weight], gradients: [gradient], inputs: [], count: 4)
    let adapter = try AttachedAdapter(
      settings, method: LoRA(LowRank(rank: 3, alpha: 4.5)), on: builder.tree, defaults: [], seed: 5,
      probe: probed ? probe : nil)
    return (layer.site, adapter, gradient)
  }

  @Test(
    "the first step of the pair is the best step of twice the rank",
    arguments: ["ArB2r", "A2rBr", "ArBr", "random"])
  func step(direction: String) throws {
    let (site, adapter, gradient) = try attached([
      ("direction", .text(direction)), ("scale", "unit"),
    ])
    #expect(try site.merged().weight.bits == site.weight.value.bits, "the start is exact")
    let (a, b) = (adapter.parameters[0].value, adapter.parameters[1].value)
    // ∂L/∂A = s Bᵀ G, ∂L/∂B = s G Aᵀ; the step of B A over −s².
    let step =
      matrixProduct(b, matrixProduct(b.permuted([1, 0]), gradient))
      + matrixProduct(linear(gradient, weight: a), a)
    let parts = gradient.singularValues()
    let best = matrixProduct(
      parts.left.sliced(axis: 1, 0..<6) * parts.values.sliced(axis: 0, 0..<6),
      parts.right.sliced(axis: 0, 0..<6))
    #expect(step.largestDifference(from: best) < 1e-5)
    #expect(adapter.buffers.count == 2, "what is taken off the weight is kept")
  }

  @Test("scales both factors alike")
  func scales() throws {
    func length(_ options: [(String, PlainValue)]) throws -> [Double] {
      try attached(options).adapter.parameters.map {
        ($0.value.sumOfSquares() / 3).squareRoot()
      }
    }
    let singular = try attached().site.weight.value.singularValues().values.doubles.prefix(3)
    let weight = singular.reduce(0) { $0 + ($1 / 1.5).squareRoot() } / 3
    for (scale, wanted) in [
      ("stable", 9.0.squareRoot().squareRoot() / 4), ("gd", 1 / 1.5), ("unit", 1),
      ("weight", weight),
    ] {
      for found in try length([("scale", .text(scale))]) { #expect(abs(found - wanted) < 1e-5) }
    }
    let clipped = try attached([("gamma", 0.01), ("norm_clip", true)])
    let (a, b) = (clipped.adapter.parameters[0].value, clipped.adapter.parameters[1].value)
    let largest = matrixProduct(b, a).scaled(by: 1.5).largestMagnitude
    #expect(abs(largest - clipped.site.weight.value.largestMagnitude) < 1e-5)
  }

  @Test("leaves room for a checkpoint's values, and refuses ranks without vectors")
  func reserved() throws {
    let (site, adapter, _) = try attached(probed: false)
    #expect(
      adapter.buffers.count == 2 && adapter.buffers.allSatisfy { $0.value.largestMagnitude == 0 })
    #expect(try site.merged().weight.bits == site.weight.value.bits)
    let target = AdapterTarget(site: site, rank: 4, alpha: 4)
    #expect(
      throws: AdapterError.rankTooLarge(module: "fc", rank: 8, limit: 7, method: "lora-ga")
    ) {
      try initialization(LoRAGA.self, []).prepared([target], AdapterPreparation(seed: 0))
    }
  }
}
