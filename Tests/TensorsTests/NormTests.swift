import Tensors
import TestSupport
import Testing

@Suite("The norm of a tensor")
struct NormTests {
  @Test("is the root of the sum of squares, with its gradient")
  func norm() {
    #expect(Tensor([3, 0, -4] as [Float], shape: [3]).norm().scalar == 5)
    let result = FiniteDifferences.check([FiniteDifferences.values([2, 3], seed: 1)]) {
      $0[0].norm()
    }
    #expect(result.doubleError < 1e-7 && result.singleError < 1e-5)
  }

  @Test("has no slope at zero")
  func zero() {
    let node = Node()
    let gradients = Tensor(zeros: [4]).tracked(by: node).norm().gradients()
    #expect(gradients[node]?.elements(as: Float.self) == [0, 0, 0, 0])
  }
}
