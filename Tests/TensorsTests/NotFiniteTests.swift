import Tensors
import Testing

@Suite("Values that are not finite") struct NotFiniteTests {
  @Test("are counted in both precisions, in long tensors and beside large values")
  func counts() {
    var values = [Float](repeating: .greatestFiniteMagnitude, count: 200_001)
    let long = Tensor(values, shape: [values.count])
    #expect(long.isFinite)
    values[0] = .nan
    values[70_000] = -.infinity
    values[200_000] = .infinity
    let bad = Tensor(values, shape: [values.count])
    #expect(!bad.isFinite)
    #expect(bad.notFiniteCounts == (1, 2))
    let doubles = Tensor([1e300, .nan, 1e300, -.infinity], shape: [4])
    #expect(doubles.notFiniteCounts == (1, 1))
    #expect(Tensor([1e300, -1e300], shape: [2]).isFinite)
    #expect(Tensor([Int32.max], shape: [1]).isFinite)
    #expect(Tensor(zeros: [0]).isFinite)
  }
}
