import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("SALT")
struct SALTTests {
  /// A linear layer `[12, 16]` with the adapter, its values moved where `moves`.
  private struct Adapted {
    let layer: Linear
    let adapter: AttachedAdapter

    init(_ fields: [(String, PlainValue)], moves: Bool = true) throws {
      let builder = ModelBuilder()
      layer = Linear(builder.root / "fc", inputs: 16, outputs: 12)
      builder.tree.initialize(seed: 3)
      for parameter in builder.tree.parameters { parameter.isTrainable = false }
      let method = try SALT.made([("ratio", .number(0.25)), ("r_lora", 2)] + fields)
      adapter = try AttachedAdapter(
        AdapterSettings(name: "test", method: SALT.name), method: method,
        targets: [AdapterTarget(site: layer.site, rank: 0, alpha: 0)], seed: 5)
      guard moves else { return }
      for (index, parameter) in adapter.parameters.enumerated() {
        parameter.value = FiniteDifferences.values(parameter.shape, seed: index).cast(to: .f32)
      }
    }

    var change: any SiteChange { adapter.modules[0].change }
    var penalty: Double? { change.penalty(SiteRows(layer.site))?.scalar }

    func buffer(_ name: String) throws -> Tensor {
      try #require(adapter.buffers.first { $0.path == "fc." + name }).value
    }

    /// M of W' = U M Vᵀ, by rows.
    func core() throws -> [Double] {
      let weight = try layer.site.merged().weight
      let left = try buffer("U").permuted([1, 0])
      let projected = matrixProduct(matrixProduct(left, weight), try buffer("Vt").permuted([1, 0]))
      return projected.cast(to: .f64).elements()
    }
  }

  @Test("decomposes the weight where a value is asked for first, and not after loading")
  func deferred() throws {
    let adapted = try Adapted([])
    let buffers = adapted.adapter.buffers
    #expect(buffers.map(\.path) == ["fc.U", "fc.S", "fc.Vt"])
    #expect(buffers.allSatisfy { $0.isPending && $0.isSet })
    buffers[1].value = Tensor(filledWith: 2, shape: [12])
    #expect(buffers.map(\.isPending) == [true, false, true])
    #expect(buffers[1].value.elements(as: Float.self) == [Float](repeating: 2, count: 12))
    #expect(buffers[0].value.shape == [12, 12])
    #expect(!buffers[0].isPending)
  }

  @Test("gives few tokens and many the same output, each by the shorter way")
  func bothWays() throws {
    let adapted = try Adapted([])
    let many = FiniteDifferences.values([100, 16], seed: 7).cast(to: .f32)
    let map = try #require(adapted.change as? any WeightMap)
    let layer = SiteRows(adapted.layer.site)
    let few = many.sliced(axis: 0, 0..<2)
    let short = try #require(map.output(few, of: layer, context: .evaluation))
    #expect(map.output(many, of: layer, context: .evaluation) == nil)
    let whole = adapted.layer(many, .evaluation).sliced(axis: 0, 0..<2)
    #expect(short.largestDifference(from: whole) <= 2e-6 * whole.largestMagnitude)
  }

  @Test("clips all entries, those of the diagonal, or none")
  func clipping() throws {
    func negatives(_ relu: PlainValue) throws -> (onDiagonal: Int, elsewhere: Int) {
      let core = try Adapted([("relu", relu)]).core()
      let found = core.indices.filter { core[$0] < -1e-4 }
      let onDiagonal = found.filter { $0 % 13 == 0 }.count
      return (onDiagonal, found.count - onDiagonal)
    }
    #expect(try negatives("full") == (0, 0))
    let diagonal = try negatives("diagonal")
    #expect(diagonal.onDiagonal == 0 && diagonal.elsewhere > 0)
    let none = try negatives("none")
    #expect(none.onDiagonal > 0 && none.elsewhere == diagonal.elsewhere)
  }

  @Test("weighs the norms of what it moves, zero at the start")
  func penalty() throws {
    #expect(try Adapted([]).penalty == nil)
    #expect(try Adapted([("reg", .number(0.5))], moves: false).penalty == 0)
    let adapted = try Adapted([("reg", .number(0.5))])
    let sigma: [Float] = Array(try adapted.buffer("S").elements(as: Float.self).prefix(3))
    let values = adapted.adapter.parameters.map(\.value)
    let (a, c) = (values[0].elements(as: Float.self), values[1].elements(as: Float.self))
    let moved = sigma.indices.reduce(0) { sum, index in
      let change = Double(a[index] * sigma[index] + c[index] - sigma[index])
      return sum + change * change
    }
    let product = matrixProduct(values[2], values[3]).sumOfSquares()
    let expected = 0.5 * (moved.squareRoot() + product.squareRoot())
    #expect(abs(try #require(adapted.penalty) - expected) < 1e-5 * expected)
  }

  @Test("takes the number of scaled values by part, by count, and apart for convolutions")
  func leading() throws {
    let builder = ModelBuilder()
    let linear = Linear(builder.root / "fc", inputs: 16, outputs: 12).site
    let kernel = Convolution(
      builder.root / "conv", inputs: 2, outputs: 8, kernel: [3, 3]
    ).site
    func count(_ fields: [(String, PlainValue)], _ site: AdaptationSite) throws -> Int {
      try SALT.made([("r_lora", 1)] + fields)
        .makeChange(for: AdapterTarget(site: site, rank: 0, alpha: 0), SharedValues())
        .parameters[0].shape[0]
    }
    #expect(try count([], linear) == 1)
    #expect(try count([("ratio", .number(0.5))], linear) == 6)
    #expect(try count([("rho", 4)], linear) == 4)
    #expect(try count([("rho", 4), ("conv_rank", 7)], kernel) == 7)
    #expect(try count([("rho", 4)], kernel) == 4)
    #expect(try count([("rho", 12)], linear) == 12)
    #expect(throws: AdapterError.self) { _ = try count([("rho", 13)], linear) }
    #expect(throws: RecipeError.self) { _ = try SALT.made([("rho", 4), ("ratio", .number(0.5))]) }
  }
}
