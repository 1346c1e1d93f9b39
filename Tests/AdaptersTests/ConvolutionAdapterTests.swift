import Adapters
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Convpass, Convpass1D and Conformer")
struct ConvolutionAdapterTests {
  @Test("convolve over the grid, and leave tokens without a place to themselves")
  func grid() throws {
    let adapted = try AdaptedBlock(
      Convpass.self, [("placement", "mlp"), ("h", 4), ("xavier_init", true)], moves: true)
    var context = ForwardContext.evaluation
    context.tokens = TokenLayout(prefix: 2, grid: [3, 4])
    #expect(adapted.reach(of: 0, count: 14, context) == [0])
    #expect(adapted.reach(of: 1, count: 14, context) == [1])
    // Row 0, column 0 meets its neighbors on the right and below, not the end of a row.
    #expect(adapted.reach(of: 2, count: 14, context) == [2, 3, 6, 7])
    #expect(adapted.reach(of: 7, count: 14, context) == [2, 3, 4, 6, 7, 8, 10, 11, 12])
    context.tokens = TokenLayout(prefix: 0, grid: [4])
    #expect(adapted.reach(of: 1, count: 4, context) == [0, 1, 2])
    #expect(Convpass.capabilities.contains(.tokenGrid))
  }

  @Test("start as the identity, or drawn")
  func start() throws {
    func kernel(_ fields: [(String, PlainValue)]) throws -> Tensor {
      let adapter = try AdaptedBlock(Convpass.self, [("h", 2)] + fields).adapter
      return try #require(
        adapter.parameters.first { $0.path.hasSuffix("adapter_mlp.adapter_conv.weight") }
      ).value
    }
    let identity = try kernel([]).elements(as: Float.self)
    #expect(identity.indices.filter { identity[$0] != 0 } == [4, 31])
    #expect(identity[4] == 1 && identity[31] == 1)
    #expect(try kernel([("xavier_init", true)]).elements(as: Float.self).allSatisfy { $0 != 0 })
  }

  @Test("convolve along the tokens, by as many taps as asked")
  func sequence() throws {
    let short = try AdaptedBlock(Convpass1D.self, [("h", 4)], moves: true)
    #expect(short.reach(of: 3, count: 9) == [2, 3, 4])
    let long = try AdaptedBlock(Conformer.self, [("h", 4), ("kernel", 5)], moves: true)
    #expect(long.reach(of: 0, count: 9) == [0, 1, 2])
    #expect(throws: RecipeError.self) { _ = try Conformer.made([("kernel", 4)]) }
  }

  @Test("train by the statistics of the batch and keep running ones")
  func statistics() throws {
    let adapted = try AdaptedBlock(Conformer.self, [("h", 4), ("kernel", 3)], moves: true)
    let x = FiniteDifferences.values([2, 6, 8], seed: 4).cast(to: .f32)
    let (mean, variance) = (adapted.adapter.buffers[0], adapted.adapter.buffers[1])
    #expect(mean.path == "block.adapter_module_FFN.bnorm.running_mean")
    #expect(variance.path == "block.adapter_module_FFN.bnorm.running_var")
    let before = adapted.mlp(x)
    #expect(mean.value.largestMagnitude == 0)
    // Norms of the backbone may keep their statistics; the adapter's do not.
    let context = ForwardContext.training(seed: 1, step: 0, samples: 0..<2)
      .usingBatchStatistics(false)
    let first = adapted.mlp(x, context)
    #expect(mean.value.largestMagnitude > 0)
    for _ in 0..<200 { _ = adapted.mlp(x, context) }
    #expect(adapted.mlp(x, context).bits == first.bits)
    let after = adapted.mlp(x)
    #expect(after.largestDifference(from: before) > 0.01)
    // Running variances are unbiased, over 12 values, so that both differ a little.
    #expect(after.largestDifference(from: first) < 0.1 * first.largestMagnitude)
  }
}
