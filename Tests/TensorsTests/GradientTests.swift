import Tensors
import TestSupport
import Testing

/// One primitive with operands to differentiate it at.
private struct Primitive: Sendable, CustomTestStringConvertible {
  let name: String
  let operands: [[Int]]
  let function: @Sendable ([Tensor]) -> Tensor
  var testDescription: String { name }

  init(_ name: String, _ operands: [[Int]], _ function: @escaping @Sendable ([Tensor]) -> Tensor) {
    self.name = name
    self.operands = operands
    self.function = function
  }
}

private let stream = DropoutStream(seed: 3, step: 2, site: 1, firstSample: 4, sampleCount: 2)

private let primitives: [Primitive] = [
  Primitive("sum of tensors", [[2, 3], [2, 3]]) { $0[0] + $0[1] },
  Primitive("sum with a repeated row", [[2, 4, 3], [4, 3]]) { $0[0] + $0[1] },
  Primitive("difference", [[2, 3], [2, 3]]) { $0[0] - $0[1] },
  Primitive("product", [[2, 3], [2, 3]]) { $0[0] * $0[1] },
  Primitive("product with a repeated row", [[5, 3], [3]]) { $0[0] * $0[1] },
  Primitive("a value used twice", [[3, 3]]) { $0[0] * $0[0] + $0[0] },
  Primitive("scaling", [[4]]) { $0[0].scaled(by: -2.5) },
  Primitive("total", [[3, 2]]) { $0[0].sum() },
  Primitive("mean", [[3, 2]]) { $0[0].mean() },
  Primitive("mean squared error", [[3, 2], [3, 2]]) { meanSquaredError($0[0], $0[1]) },
  Primitive("reshape", [[2, 6]]) { $0[0].reshaped(to: [3, -1]) },
  Primitive("permute", [[2, 3, 4, 5]]) { $0[0].permuted([2, 0, 3, 1]) },
  Primitive("slice of an inner axis", [[2, 5, 3]]) { $0[0].sliced(axis: 1, 1..<4) },
  Primitive("slice of the first axis", [[5, 3]]) { $0[0].sliced(axis: 0, 2..<4) },
  Primitive("pad", [[2, 3]]) { $0[0].padded(axis: 1, before: 1, after: 2) },
  Primitive("concatenate", [[2, 1, 3], [2, 2, 3]]) { Tensor.concatenated($0, axis: 1) },
  Primitive("linear", [[2, 3, 4], [5, 4], [5]]) {
    linear($0[0], weight: $0[1], bias: $0[2])
  },
  Primitive("product of matrices", [[2, 3], [3, 4]]) { matrixProduct($0[0], $0[1]) },
  Primitive("GELU", [[12]]) { $0[0].scaled(by: 3).gelu() },
  Primitive("leaky ReLU", [[12]]) { $0[0].leakyReLU(slope: 0.2) },
  Primitive("softmax", [[3, 5]]) { $0[0].scaled(by: 4).softmax() },
  Primitive("layer norm", [[3, 2, 7], [7], [7]]) {
    layerNorm($0[0], weight: $0[1], bias: $0[2], epsilon: 1e-5)
  },
  Primitive("layer norm without affine", [[3, 7]]) {
    layerNorm($0[0], weight: nil, bias: nil, epsilon: 1e-6)
  },
  Primitive("attention", [[2, 3, 8], [2, 5, 8], [2, 5, 8]]) {
    attention(queries: $0[0], keys: $0[1], values: $0[2], heads: 2)
  },
  Primitive("attention with dropout", [[4, 3, 6], [4, 3, 6], [4, 3, 6]]) {
    attention(
      queries: $0[0], keys: $0[1], values: $0[2], heads: 3, dropout: (0.4, stream))
  },
  Primitive("dropout", [[2, 20]]) { $0[0].dropped(probability: 0.3, stream: stream) },
  Primitive("3-D convolution", [[2, 2, 3, 4, 5], [3, 2, 3, 3, 3], [3]]) {
    convolution(
      $0[0], weight: $0[1], bias: $0[2], geometry: ConvolutionGeometry(padding: [1, 1, 1]))
  },
  Primitive("grouped, strided, dilated convolution", [[1, 4, 1, 7, 8], [6, 2, 1, 3, 2]]) {
    convolution(
      $0[0], weight: $0[1],
      geometry: ConvolutionGeometry(
        stride: [1, 2, 3], padding: [0, 2, 1], dilation: [1, 2, 1], groups: 2))
  },
  Primitive("2-D convolution", [[2, 4, 5, 6], [6, 2, 3, 3], [6]]) {
    convolution(
      $0[0], weight: $0[1], bias: $0[2], geometry: .planar(stride: 2, padding: 1, groups: 2))
  },
  Primitive("pointwise convolution", [[2, 3, 2, 4], [5, 3, 1, 1], [5]]) {
    convolution($0[0], weight: $0[1], bias: $0[2])
  },
  Primitive("factor and summand of each channel", [[2, 3, 4], [3], [3]]) {
    $0[0].affineByChannel(weight: $0[1], bias: $0[2])
  },
  Primitive("factor of each channel", [[2, 3, 2, 2], [3]]) {
    $0[0].affineByChannel(weight: $0[1], bias: nil)
  },
  Primitive("summand of each channel", [[2, 3, 4], [3]]) {
    $0[0].affineByChannel(weight: nil, bias: $0[1])
  },
  Primitive("3-D kernel on 1-D data", [[2, 2, 1, 1, 6], [3, 2, 3, 3, 3]]) {
    convolution($0[0], weight: $0[1], geometry: ConvolutionGeometry(padding: [1, 1, 1]))
  },
  Primitive("cubic resampling", [[2, 5, 3]]) {
    $0[0].resampled(axis: 1, .cubic(from: 5, to: 8))
  },
  Primitive("antialiased cubic resampling", [[2, 7, 3]]) {
    $0[0].resampled(axis: 1, .antialiasedCubic(from: 7, to: 3))
  },
  Primitive("linear resampling", [[2, 5, 3]]) {
    $0[0].resampled(axis: 1, .linear(from: 5, to: 8))
  },
  Primitive("adaptive average pooling", [[2, 7, 3]]) {
    $0[0].resampled(axis: 1, .averagePool(from: 7, to: 3))
  },
  Primitive("linear resampling with aligned corners", [[2, 4, 3]]) {
    $0[0].resampled(axis: 1, .alignedLinear(from: 4, to: 9))
  },
  Primitive("expansion", [[2, 1, 3, 1]]) { $0[0].expanded(to: [2, 4, 3, 2]) },
  Primitive("sums over axes", [[2, 3, 4]]) { $0[0].summed(over: [0, 2]) },
  Primitive("means over axes", [[2, 3, 4]]) { $0[0].averaged(over: [1]) },
  Primitive("gather by shared numbers", [[2, 3, 4]]) {
    $0[0].gathered(axis: 2, indices: Tensor([3, 0, 3] as [Int32], shape: [3]))
  },
  Primitive("gather by numbers of each sample", [[2, 2, 3, 2]]) {
    $0[0].gathered(axis: 2, indices: Tensor([2, 1, 0, 0] as [Int32], shape: [2, 2]))
  },
  Primitive("batched products", [[2, 3, 4], [2, 4, 5]]) { batchedProduct($0[0], $0[1]) },
  Primitive("batched products, transposed", [[2, 2, 3, 4], [2, 2, 5, 4]]) {
    batchedProduct($0[0], $0[1], transposeB: true)
  },
  Primitive("attention with bias", [[2, 3, 8], [2, 5, 8], [2, 5, 4], [1, 2, 3, 5]]) {
    attention(queries: $0[0], keys: $0[1], values: $0[2], heads: 2, bias: $0[3])
  },
  Primitive("sigmoid", [[12]]) { $0[0].scaled(by: 3).sigmoid() },
  Primitive("SiLU", [[12]]) { $0[0].scaled(by: 3).silu() },
  Primitive("quick GELU", [[12]]) { $0[0].scaled(by: 3).quickGELU() },
  Primitive("GELU, tanh form", [[12]]) { $0[0].scaled(by: 3).geluTanh() },
  Primitive("ReLU", [[12]]) { $0[0].relu() },
  Primitive("cross entropy", [[4, 5]]) {
    crossEntropy($0[0], labels: Tensor([3, 7, 0, 4] as [Int32], shape: [4]), ignoring: 7)
  },
  Primitive("cross entropy with smoothing", [[2, 2, 3]]) {
    crossEntropy(
      $0[0], labels: Tensor([2, 0, 1, 1] as [Int32], shape: [2, 2]), smoothing: 0.1)
  },
  Primitive("cross entropy with weights and smoothing", [[4, 3]]) {
    weightedCrossEntropy(
      $0[0], labels: Tensor([2, 0, 5, 1] as [Int32], shape: [4]), ignoring: 5, smoothing: 0.2,
      weights: [0.5, 2, 1])
  },
  Primitive("focal cross entropy", [[2, 2, 3]]) {
    weightedCrossEntropy(
      $0[0].scaled(by: 2), labels: Tensor([2, 0, 1, 1] as [Int32], shape: [2, 2]), focus: 2,
      weights: [0.5, 2, 1], divisor: 7)
  },
  Primitive("cross entropy with shares", [[3, 2]]) {
    softCrossEntropy(
      $0[0],
      targets: Tensor([1, 0, 0.3, 0.7, 0.5, 0.25] as [Double], shape: [3, 2]).cast(to: $0[0].dtype))
  },
  Primitive("squared error beside missing targets", [[5]]) {
    meanError(
      $0[0], Tensor([1, .nan, 0, -2, 3] as [Double], shape: [5]).cast(to: $0[0].dtype), .squared)
  },
  Primitive("absolute error beside missing targets", [[5]]) {
    meanError(
      $0[0], Tensor([1, .nan, 0, -2, 3] as [Double], shape: [5]).cast(to: $0[0].dtype), .absolute,
      divisor: 3)
  },
  Primitive("reciprocal", [[4]]) {
    ($0[0] * $0[0] + Tensor(filledWith: 1, shape: [4], dtype: $0[0].dtype)).reciprocal()
  },
  Primitive("batch norm by the batch", [[3, 2, 4], [2], [2]]) {
    batchNorm(
      $0[0], moments: ChannelMoments(of: $0[0]), areOfBatch: true, weight: $0[1], bias: $0[2],
      epsilon: 1e-5)
  },
  Primitive("batch norm by running values", [[3, 2], [2], [2]]) {
    batchNorm(
      $0[0], moments: ChannelMoments(mean: [0.5, -1], variance: [2, 0.5], count: 9),
      areOfBatch: false, weight: $0[1], bias: $0[2], epsilon: 1e-5)
  },
  Primitive("binary cross entropy", [[2, 3]]) {
    binaryCrossEntropy(
      $0[0].scaled(by: 3),
      targets: Tensor([1, 0, 0.5, 0, 1, 1] as [Double], shape: [2, 3]).cast(to: $0[0].dtype))
  },
  Primitive("adaptive maximum pooling", [[2, 2, 5, 4]]) {
    $0[0].adaptiveMaxPooled(to: [2, 3])
  },
  Primitive("recomputation", [[3, 4], [2, 4]]) { operands in
    let weight = operands[1]
    return recomputed(operands[0]) { x, _ in linear(x, weight: weight).gelu() }
  },
  Primitive("norm over channels", [[2, 5, 3, 2], [5], [5]]) {
    pixelNorm($0[0], weight: $0[1], bias: $0[2], epsilon: 1e-6)
  },
  Primitive("norm over channels without affine", [[1, 4, 300]]) {
    pixelNorm($0[0], weight: nil, bias: nil, epsilon: 1e-6)
  },
  Primitive("group norm", [[2, 6, 2, 3], [6], [6]]) {
    groupNorm($0[0], groups: 3, weight: $0[1], bias: $0[2], epsilon: 1e-5)
  },
  Primitive("means of a window", [[2, 7, 3]]) { $0[0].slidingMean(axis: 1, window: 3) },
  Primitive("means of a window along the last axis", [[3, 6]]) {
    $0[0].slidingMean(axis: 1, window: 4)
  },
  Primitive("edges repeated", [[2, 3, 2]]) { $0[0].paddedWithEdges(axis: 1, before: 2, after: 1) },
  Primitive("largest of each cell", [[2, 2, 5, 4]]) { $0[0].maxPooled(by: 2) },
  Primitive("channels laid out as pixels", [[2, 12, 2, 3]]) { $0[0].pixelShuffled(by: [2, 3]) },
  Primitive("transposed convolution", [[2, 3, 2, 4], [3, 5, 2, 3], [5]]) {
    transposedConvolution($0[0], weight: $0[1], bias: $0[2])
  },
  Primitive("nearest resizing", [[1, 2, 3, 4]]) { $0[0].resized(to: [5, 3], .nearest) },
  Primitive("bilinear resizing", [[1, 2, 3, 4]]) {
    $0[0].resized(to: [5, 6], .bilinear(alignsCorners: false))
  },
  Primitive("bilinear resizing, corners aligned", [[1, 2, 3, 4]]) {
    $0[0].resized(to: [5, 6], .bilinear(alignsCorners: true))
  },
  Primitive("adaptive pooling of an image", [[1, 2, 5, 4]]) { $0[0].averagePooled(to: [2, 6]) },
  Primitive("loss in decibels", [[2, 3, 2, 2], [2, 3, 2, 2]]) { negativePSNR($0[0], $0[1]) },
  Primitive("loss in decibels of luma", [[2, 3, 2, 2], [2, 3, 2, 2]]) {
    negativePSNR($0[0], $0[1], epsilon: 1e-3, onLuma: true)
  },
  Primitive("luma", [[2, 3, 2, 2]]) { $0[0].luma() },
  Primitive("antialiased resampling", [[2, 9, 3]]) {
    $0[0].resampled(axis: 1, .antialiasedLinear(from: 9, to: 4))
  },
]

@Suite("Gradients")
struct GradientTests {
  @Test("agree with finite differences", arguments: primitives)
  fileprivate func finiteDifferences(_ primitive: Primitive) {
    let operands = primitive.operands.enumerated().map {
      FiniteDifferences.values($1, seed: $0 + 1)
    }
    let result = FiniteDifferences.check(operands, primitive.function)
    #expect(result.doubleError < 1e-7)
    #expect(result.singleError < 2e-5)
  }

  @Test("are absent for values that took no part")
  func absent() {
    let (used, unused) = (Node(), Node())
    let x = Tensor([1, 2] as [Float], shape: [2])
    let loss = (x.tracked(by: used) * x).sum()
    _ = x.tracked(by: unused)
    let gradients = loss.gradients()
    #expect(gradients[used]?.elements(as: Float.self) == [1, 2])
    #expect(gradients[unused] == nil)
  }

  @Test("add up where a value of half precision is used twice")
  func halfTwice() {
    let node = Node()
    let half = Tensor([1, 2] as [Float], shape: [2]).tracked(by: node).converted(to: .bf16)
    let sum = half.converted(to: .f32).scaled(by: 2) + half.converted(to: .f32)
    #expect(sum.sum().gradients()[node]?.elements(as: Float.self) == [3, 3])
  }

  @Test("record nothing below the first trainable value")
  func frozen() {
    let x = Tensor([1, 2] as [Float], shape: [1, 2])
    let weight = Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    #expect(!linear(x, weight: weight).gelu().isTracked)
    #expect(linear(x.tracked(by: Node()), weight: weight).isTracked)
  }
}
