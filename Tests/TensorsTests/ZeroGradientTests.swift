import Tensors
import Testing

@Suite("A dependence with zero gradient")
struct ZeroGradientTests {
  @Test("keeps values and their gradient, and gives the other operand zeros")
  func dependingWithZeroGradient() {
    let (node, otherNode) = (Node(), Node())
    let x = Tensor([1, 2] as [Float], shape: [2]).tracked(by: node)
    let other = Tensor([3, 4, 5] as [Float], shape: [3]).tracked(by: otherNode)
    let depending = x.dependingWithZeroGradient(on: other)
    #expect(depending.elements(as: Float.self) == [1, 2])
    let gradients = (depending * depending).sum().gradients()
    #expect(gradients[node]?.elements(as: Float.self) == [2, 4])
    #expect(gradients[otherNode]?.elements(as: Float.self) == [0, 0, 0])
  }

  @Test("records nothing when the other operand is frozen")
  func frozen() {
    let x = Tensor([1] as [Float], shape: [1])
    #expect(!x.dependingWithZeroGradient(on: x).isTracked)
  }
}
