import Tensors
import Testing

@Suite("Values without data")
struct NoDataTests {
  @Test("are told from others by being exactly zero")
  func nonzero() {
    let x = Tensor([0, -0.0, 1e-30, -2] as [Float], shape: [2, 2])
    #expect(x.nonzero().elements(as: Float.self) == [0, 0, 1, 1])
    #expect(Tensor([0, 3] as [Double], shape: [2]).nonzero().elements(as: Double.self) == [0, 1])
  }

  @Test("leave counts whose reciprocals stay finite")
  func reciprocal() {
    let counts = Tensor([0, 4] as [Double], shape: [2])
    #expect(counts.reciprocal(adding: 1).elements(as: Double.self) == [1, 0.2])
    #expect(
      Tensor([3] as [Float], shape: [1]).reciprocal(adding: 1).elements(as: Float.self) == [0.25])
  }
}
