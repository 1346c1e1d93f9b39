import Tensors
import Testing

@Suite("Pooling and resampling along an axis")
struct PoolingTapsTests {
  private let axis = Tensor([1, 2, 4, 8, 16] as [Double], shape: [5])

  private func values(_ taps: AxisTaps) -> [Double] {
    axis.resampled(axis: 0, taps).elements(as: Double.self)
  }

  @Test("adaptive windows cover the axis and overlap where they must")
  func averages() {
    #expect(values(.averagePool(from: 5, to: 1)) == [6.2])
    #expect(values(.averagePool(from: 5, to: 2)).map { ($0 * 3).rounded() } == [7, 28])
    #expect(values(.averagePool(from: 5, to: 5)) == [1, 2, 4, 8, 16])
    #expect(values(.averagePool(from: 5, to: 10)) == [1, 1, 2, 2, 4, 4, 8, 8, 16, 16])
  }

  @Test("aligned corners keep both ends and pass through every element")
  func alignedCorners() {
    #expect(values(.alignedLinear(from: 5, to: 9)) == [1, 1.5, 2, 3, 4, 6, 8, 12, 16])
    #expect(values(.alignedLinear(from: 5, to: 3)) == [1, 4, 16])
    #expect(values(.alignedLinear(from: 5, to: 1)) == [1])
  }

  @Test("maxima of adaptive windows, which overlap; NaN wins")
  func maxima() {
    let map = Tensor([1, 5, 2, 4, 3, 9] as [Float], shape: [1, 1, 2, 3])
    #expect(map.adaptiveMaxPooled(to: [1, 1]).elements(as: Float.self) == [9])
    #expect(map.adaptiveMaxPooled(to: [2, 2]).elements(as: Float.self) == [5, 5, 4, 9])
    let broken = Tensor([1, .nan, 2, 4] as [Float], shape: [1, 1, 2, 2])
    #expect(broken.adaptiveMaxPooled(to: [1, 1]).elements(as: Float.self)[0].isNaN)
  }
}
