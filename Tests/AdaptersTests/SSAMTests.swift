import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("S-SAM")
struct SSAMTests {
  /// A linear layer `[8, 10]` with the adapter on half of the singular values.
  private func adapted(_ fields: [(String, PlainValue)]) throws -> (Linear, AttachedAdapter) {
    let builder = ModelBuilder()
    let layer = Linear(builder.root / "fc", inputs: 10, outputs: 8)
    builder.tree.initialize(seed: 3)
    let method = try SSAM.made([("fraction_trainable", .number(0.5))] + fields)
    let adapter = try AttachedAdapter(
      AdapterSettings(name: "test", method: SSAM.name), method: method,
      targets: [AdapterTarget(site: layer.site, rank: 0, alpha: 0)], seed: 5)
    return (layer, adapter)
  }

  @Test("moves the leading singular values, cuts them at zero, and leaves the rest alone")
  func tail() throws {
    let (layer, adapter) = try adapted([])
    let before = layer.site.weight.value.singularValues()
    let sigma = before.values.elements(as: Float.self)
    adapter.parameters[0].value = Tensor([2, 1, -1, 0.5] as [Float], shape: [4])
    adapter.parameters[1].value = Tensor([0, 0.25, 0, 0] as [Float], shape: [4])
    let core = matrixProduct(
      matrixProduct(before.left.permuted([1, 0]), try layer.site.merged().weight),
      before.right.permuted([1, 0])
    ).elements(as: Float.self)
    let expected =
      [2 * sigma[0], sigma[1] + 0.25, 0, 0.5 * sigma[3]] + sigma[4...]
    for index in core.indices {
      let wanted = index % 9 == 0 ? expected[index / 9] : 0
      #expect(abs(core[index] - wanted) < 1e-5)
    }
    let x = FiniteDifferences.values([1, 10], seed: 2).cast(to: .f32)
    let map = try #require(adapter.modules[0].change as? any WeightMap)
    let short = try #require(
      map.output(x, of: SiteRows(layer.site), context: .evaluation))
    let merged = try layer.site.merged()
    let whole = linear(x, weight: merged.weight, bias: merged.bias)
    #expect(short.largestDifference(from: whole) <= 2e-6 * whole.largestMagnitude)
  }

  @Test("weighs the norms of 1 - a and of c")
  func penalty() throws {
    let (layer, adapter) = try adapted([("reg", .number(0.1))])
    let change = adapter.modules[0].change
    #expect(change.penalty(SiteRows(layer.site))?.scalar == 0)
    adapter.parameters[0].value = Tensor([4, 1, 1, 5] as [Float], shape: [4])
    adapter.parameters[1].value = Tensor([0, 2, 0, 0] as [Float], shape: [4])
    let penalty = try #require(change.penalty(SiteRows(layer.site))).scalar
    #expect(abs(penalty - 0.7) < 1e-6)
  }
}
