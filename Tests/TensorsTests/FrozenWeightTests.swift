import Tensors
import TestSupport
import Testing

@Suite("Frozen weight")
struct FrozenWeightTests {
  @Test("gives the product of the plain matrix, forward and backward", arguments: [1, 7, 64])
  func agreesWithPlain(rows: Int) throws {
    let x = FiniteDifferences.values([rows, 48], seed: 1).cast(to: .f32)
    let weight = FiniteDifferences.values([80, 48], seed: 2).cast(to: .f32)
    let bias = FiniteDifferences.values([80], seed: 3).cast(to: .f32)
    let leaf = Node()
    let frozen = FrozenWeight(weight)
    func run(_ frozen: FrozenWeight?) throws -> ([Float], [Float]) {
      let y = linear(x.tracked(by: leaf), weight: weight, bias: bias, frozen: frozen)
      let gradient = try #require(y.gradients(for: y.detached())[leaf])
      return (y.elements(), gradient.elements())
    }
    let (plain, packed) = (try run(nil), try run(frozen))
    for (a, b) in zip(plain.0, packed.0) { #expect(abs(a - b) < 1e-5) }
    for (a, b) in zip(plain.1, packed.1) { #expect(abs(a - b) < 2e-4) }
  }
}
