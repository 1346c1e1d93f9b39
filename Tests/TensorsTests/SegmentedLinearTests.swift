import Tensors
import TestSupport
import Testing

@Suite("Segmented linear")
struct SegmentedLinearTests {
  @Test("a frozen product with terms by segment equals the products one by one")
  func segments() {
    let weight = FiniteDifferences.values([6, 8], seed: 1).cast(to: .f32)
    let frozen = FrozenWeight(weight)
    let x = FiniteDifferences.values([9, 8], seed: 2).cast(to: .f32)
    let residual = FiniteDifferences.values([9, 6], seed: 3).cast(to: .f32)
    let update = LowRankUpdate(
      [
        .init(
          down: FiniteDifferences.values([2, 8], seed: 4).cast(to: .f32),
          up: FiniteDifferences.values([6, 2], seed: 5).cast(to: .f32), rows: 0..<6, scaling: 0.5)
      ], outputs: 6)
    let bias = FiniteDifferences.values([6], seed: 6).cast(to: .f32)
    for activation in [Activation.identity, .gelu] {
      let found = segmentedLinear(
        x, weight: frozen, bias: bias,
        segments: [
          .init(rows: 4, update: nil), .init(rows: 0, update: update),
          .init(rows: 5, update: update),
        ],
        activation: activation, residual: residual, type: .f32)
      for (range, update) in [(0..<4, LowRankUpdate?.none), (4..<9, update)] {
        let wanted = frozenLinear(
          x.sliced(axis: 0, range), weight: frozen, bias: bias, update: update,
          activation: activation, residual: residual.sliced(axis: 0, range), type: .f32
        ).result
        #expect(found.sliced(axis: 0, range).largestDifference(from: wanted) < 1e-6)
      }
    }
  }
}
