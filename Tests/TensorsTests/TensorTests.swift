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

  @Test("has memory of its own once copied")
  func copy() {
    let tensor = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    let part = tensor.sliced(axis: 0, 1..<2)
    let copy = part.copied()
    tensor.withMutableElements(of: Float.self) { $0[2] = 9 }
    #expect(part.elements(as: Float.self) == [9, 4])
    #expect(copy.elements(as: Float.self) == [3, 4])
    #expect(copy.shape == [1, 2])
  }
}
