import Synchronization
import Tensors
import TestSupport
import Testing

@Suite("A linear layer whose weight is made in every pass")
struct RemadeLinearTests {
  @Test(
    "gives what a frozen layer gives, to the bit, and makes its weight twice",
    arguments: [Precision.fp32, .bf16])
  func same(precision: Precision) throws {
    let weight = FiniteDifferences.values([24, 40], seed: 1).cast(to: .f32)
    let x = FiniteDifferences.values([3, 5, 40], seed: 2).cast(to: .f32)
    let (first, second) = (Node(), Node())
    let kept = frozenLinear(
      x.tracked(by: first), weight: FrozenWeight(weight, precision: precision), bias: nil,
      type: .f32
    ).result
    let made = Counter()
    let remade = remadeLinear(x.tracked(by: second), precision: precision) {
      made.count()
      return weight.copied()
    }
    #expect(remade.bits == kept.bits)
    #expect(made.value == 1)
    let seed = FiniteDifferences.values(kept.shape, seed: 3).cast(to: .f32)
    let (a, b) = (kept.gradients(for: seed)[first], remade.gradients(for: seed)[second])
    #expect(try #require(a).bits == (try #require(b)).bits)
    #expect(made.value == 2)
    let plain = linear(x, weight: weight)
    #expect(
      remade.largestDifference(from: plain)
        < (precision == .bf16 ? 0.02 : 1e-5) * plain.largestMagnitude)
  }
}

private final class Counter: Sendable {
  private let number = Mutex(0)

  func count() { number.withLock { $0 += 1 } }
  var value: Int { number.withLock { $0 } }
}
