import Tensors
import Testing

@Suite("Tensor")
struct TensorTests {
  @Test("keeps its elements in row-major order")
  func elements() {
    let tensor = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
    #expect(tensor.elements(as: Float.self) == [1, 2, 3, 4, 5, 6])
    #expect(tensor.elementCount == 6)
  }
}
