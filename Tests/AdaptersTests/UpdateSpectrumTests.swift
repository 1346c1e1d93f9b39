import Adapters
import Tensors
import TestSupport
import Testing

@Suite("Spectra of updates")
struct UpdateSpectrumTests {
  /// diag(values) in a matrix of that size.
  private func diagonal(_ values: [Float]) -> Tensor {
    let n = values.count
    return Tensor((0..<(n * n)).map { $0 % (n + 1) == 0 ? values[$0 / n] : 0 }, shape: [n, n])
  }

  @Test("a large update in a new direction is an intruder, a small one is none")
  func intruders() {
    // W has the directions e1..e6; the update adds a mixture of all with a large weight.
    let before = diagonal([6, 5, 4, 3, 2, 1])
    let mixture = Tensor([Float](repeating: 1 / 6.0.squareRootFloat, count: 6), shape: [6, 1])
    let step = matrixProduct(mixture, mixture.permuted([1, 0]))
    let large = UpdateSpectrum(before, before + step.scaled(by: 100), leading: 3)
    #expect(large.intruders == 1 && large.looked == 3)
    #expect(abs(large.effectiveRank - 1) < 1e-3)
    let small = UpdateSpectrum(before, before + step.scaled(by: 0.01), leading: 3)
    #expect(small.intruders == 0)
    #expect(abs(small.relativeNorm - 0.01 / 91.0.squareRoot()) < 1e-6)
  }

  @Test("the effective rank is the number of equal directions, 0 without an update")
  func effectiveRank() {
    let before = diagonal([1, 2, 3, 4])
    let same = UpdateSpectrum(before, before + diagonal([2, 2, 2, 0]))
    #expect(abs(same.effectiveRank - 3) < 1e-4)
    #expect(UpdateSpectrum(before, before).effectiveRank == 0)
    #expect(UpdateSpectrum.cost(rows: 10, columns: 20) == 60_000)
  }
}

extension Double {
  fileprivate var squareRootFloat: Float { Float(squareRoot()) }
}
