import Foundation
import Tensors
import Testing

@Suite("Binary cross entropy")
struct BinaryCrossEntropyTests {
  @Test("is the mean over all elements, and finite for large logits")
  func values() {
    let logits = Tensor([0, 2, -2, 800] as [Double], shape: [2, 2])
    let targets = Tensor([1, 1, 1, 0] as [Double], shape: [2, 2])
    let expected = (log(2.0) + log1p(exp(-2.0)) + log1p(exp(2.0)) + 800) / 4
    #expect(abs(binaryCrossEntropy(logits, targets: targets).scalar - expected) <= 1e-12)
  }
}
