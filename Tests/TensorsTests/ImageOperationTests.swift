import Tensors
import TestSupport
import Testing

@Suite("Operations on images")
struct ImageOperationTests {
  private func values(_ shape: [Int], seed: Int) -> Tensor {
    FiniteDifferences.values(shape, seed: seed).cast(to: .f32)
  }

  @Test("the norm over channels is the layer norm of each pixel's channels")
  func channelNorm() {
    let x = values([2, 6, 3, 5], seed: 1)
    let (weight, bias) = (values([6], seed: 2), values([6], seed: 3))
    let norm = pixelNorm(x, weight: weight, bias: bias, epsilon: 1e-3)
    let expected = layerNorm(
      x.permuted([0, 2, 3, 1]), weight: weight, bias: bias, epsilon: 1e-3
    ).permuted([0, 3, 1, 2])
    #expect(norm.largestDifference(from: expected) < 1e-6)
  }

  @Test("a group norm has mean 0 and variance 1 in every group of a sample")
  func groups() {
    let norm = groupNorm(
      values([2, 4, 3, 3], seed: 4), groups: 2, weight: nil, bias: nil, epsilon: 0)
    let rows = norm.reshaped(to: [1, 4, 18])
    let moments = ChannelMoments(of: rows)
    for (mean, variance) in zip(moments.mean, moments.variance) {
      #expect(abs(mean) < 1e-6 && abs(variance - 1) < 1e-5)
    }
  }

  @Test("means of windows do not lose digits along a long axis")
  func longWindows() {
    let large = Tensor((0..<4000).map { Float($0 % 2) + 1000 }, shape: [4000])
    let means = large.slidingMean(axis: 0, window: 2000).elements(as: Float.self)
    #expect(means.count == 2001)
    #expect(means.allSatisfy { $0 == 1000.5 })
  }

  @Test("edges are repeated on both sides")
  func edges() {
    let x = Tensor([1, 2, 3] as [Float], shape: [1, 3])
    let padded = x.paddedWithEdges(axis: 1, before: 2, after: 1)
    #expect(padded.elements(as: Float.self) == [1, 1, 1, 2, 3, 3])
  }

  @Test("the largest value of a cell is found, a rest left out, and NaN kept")
  func maxima() {
    let x = Tensor(
      [
        1, 5, 2, 0, 9,
        5, 4, .nan, 7, 9,
        9, 9, 9, 9, 9,
      ] as [Float], shape: [1, 1, 3, 5])
    let leaf = Node()
    let pooled = x.tracked(by: leaf).maxPooled(by: 2)
    let found = pooled.elements(as: Float.self)
    #expect(pooled.shape == [1, 1, 1, 2])
    #expect(found[0] == 5 && found[1].isNaN)
    let gradient = pooled.gradients(for: Tensor([3, 4] as [Float], shape: [1, 1, 1, 2]))[leaf]
    #expect(
      gradient?.elements(as: Float.self) == [0, 3, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test("channels become the pixels of a cell, rows first")
  func shuffle() {
    let x = Tensor((0..<12).map(Float.init), shape: [1, 6, 1, 2])
    let shuffled = x.pixelShuffled(by: [3, 2])
    #expect(shuffled.shape == [1, 1, 3, 4])
    #expect(shuffled.elements(as: Float.self) == [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11])
  }

  @Test("a transposed convolution puts every pixel's kernel beside the next")
  func transposed() {
    let x = Tensor([1, 10] as [Float], shape: [1, 1, 1, 2])
    let weight = Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 2, 2])
    let y = transposedConvolution(x, weight: weight, bias: Tensor([0.5] as [Float], shape: [1]))
    #expect(y.shape == [1, 1, 2, 4])
    #expect(y.elements(as: Float.self) == [1.5, 2.5, 10.5, 20.5, 3.5, 4.5, 30.5, 40.5])
  }

  @Test("resizing by the nearest pixel takes the pixel at the rounded-down place")
  func nearest() {
    let x = Tensor([1, 2, 3] as [Float], shape: [1, 1, 1, 3])
    let larger = x.resized(to: [2, 7], .nearest).elements(as: Float.self)
    #expect(larger == [1, 1, 1, 2, 2, 3, 3, 1, 1, 1, 2, 2, 3, 3])
    #expect(x.resized(to: [1, 2], .nearest).elements(as: Float.self) == [1, 2])
  }

  @Test("bilinear resizing puts pixel centers or corners on each other")
  func bilinear() {
    let x = Tensor([0, 3] as [Float], shape: [1, 1, 1, 2])
    func resized(aligned: Bool) -> [Float] {
      x.resized(to: [1, 4], .bilinear(alignsCorners: aligned)).elements(as: Float.self)
    }
    #expect(resized(aligned: false) == [0, 0.75, 2.25, 3])
    #expect(resized(aligned: true) == [0, 1, 2, 3])
  }

  @Test("adaptive pooling to more cells than pixels repeats pixels")
  func pooling() {
    let x = Tensor([1, 2] as [Float], shape: [1, 1, 1, 2])
    let pooled = x.averagePooled(to: [1, 3]).elements(as: Float.self)
    #expect(pooled == [1, 1.5, 2])
  }

  @Test("decibels are averaged after the logarithm of each sample's error")
  func decibels() {
    let target = Tensor(zeros: [2, 1, 2, 2])
    let prediction = Tensor([0.1, 0.1, 0.1, 0.1, 1, 1, 1, 1] as [Float], shape: [2, 1, 2, 2])
    #expect(abs(negativePSNR(prediction, target, epsilon: 0).scalar + 10) < 1e-5)
    #expect(abs(negativePSNR(target, target).scalar + 80) < 1e-4)
  }

  @Test("white has luma 235/255, black 16/255")
  func luma() {
    let x = Tensor([1, 0, 1, 0, 1, 0] as [Float], shape: [1, 3, 1, 2])
    let found = x.luma().elements(as: Float.self)
    #expect(abs(found[0] - 235 / 255) < 1e-6 && abs(found[1] - 16 / 255) < 1e-6)
  }
}
