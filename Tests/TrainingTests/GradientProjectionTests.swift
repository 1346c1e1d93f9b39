import Tensors
import TestSupport
import Testing
import Training

@Suite("The projection of a gradient")
struct GradientProjectionTests {
  private func gradient(_ shape: [Int]) -> Tensor {
    FiniteDifferences.values(shape, seed: 3).cast(to: .f32)
  }

  @Test(
    "keeps the leading singular values, whichever side it is on",
    arguments: [[9, 5], [5, 9], [6, 6]], GradientProjection.Side.allCases)
  func truncates(shape: [Int], side: GradientProjection.Side) {
    let g = gradient(shape)
    let projection = GradientProjection(g, rank: 3, side: side)
    let rest = g - projection.back(projection.down(g))
    let values: [Float] = g.singularValues().values.elements()
    let expected = values.dropFirst(3).reduce(0.0) { $0 + Double($1 * $1) }
    #expect(abs(rest.sumOfSquares() - expected) < 1e-4 * g.sumOfSquares(), "\(side)")
    for basis in [projection.left, projection.right].compactMap(\.self) {
      let gram = matrixProduct(basis.permuted([1, 0]), basis)
      #expect(gram.largestDifference(from: identity(3)) < 1e-4)
    }
  }

  private func identity(_ count: Int) -> Tensor {
    Tensor(
      (0..<count * count).map { Float($0 % (count + 1) == 0 ? 1 : 0) }, shape: [count, count])
  }

  @Test("stands on the side that is asked for, and is as small as that says")
  func sides() {
    func shape(_ m: Int, _ n: Int, _ side: GradientProjection.Side) -> [Int] {
      let g = gradient([m, n])
      return GradientProjection(g, rank: 2, side: side).down(g).shape
    }
    #expect(shape(8, 4, .std) == [8, 2] && shape(4, 8, .std) == [2, 8])
    #expect(shape(8, 4, .reverse) == [2, 4] && shape(4, 8, .reverse) == [4, 2])
    #expect(shape(8, 4, .left) == [2, 4] && shape(8, 4, .right) == [8, 2])
    #expect(shape(8, 4, .full) == [2, 2])
  }
}
