internal import CKernels

/// One convolution over three axes, by the fastest way for its shapes: straight from the input, channel
/// by channel, or as products with columns, sample by sample and group by group.
struct ConvolutionCall: Sendable {
  private let batch: Int
  private let groups: Int
  private let inputs: Int
  private let outputs: Int
  private let inputPixels: Int
  private let outputShape: [Int]
  private let dtype: DType
  private let geometry: attune_convolution
  private let direct: DirectConvolution?

  private var pixels: Int { geometry.outputPixels }
  private var taps: Int { inputs * geometry.taps }
  /// Whether every channel has a kernel and an output of its own.
  private var isDepthwise: Bool { groups > 1 && inputs == 1 && outputs == 1 }
  /// Whether a bias can be added to the sums at once.
  var takesBias: Bool { direct != nil }

  init(x: Tensor, weight: Tensor, geometry: ConvolutionGeometry) {
    batch = x.shape[0]
    groups = geometry.groups
    inputs = weight.shape[1]
    outputs = weight.shape[0] / groups
    inputPixels = x.shape[2] * x.shape[3] * x.shape[4]
    dtype = x.dtype
    let sizes = (0..<3).map {
      geometry.outputSize(axis: $0, input: x.shape[2 + $0], kernel: weight.shape[2 + $0])
    }
    precondition(
      sizes.allSatisfy { $0 > 0 }, "convolution: kernel \(weight.shape) on input \(x.shape)")
    outputShape = [batch, weight.shape[0]] + sizes
    func triple(_ values: [Int]) -> (Int64, Int64, Int64) {
      (Int64(values[0]), Int64(values[1]), Int64(values[2]))
    }
    self.geometry = attune_convolution(
      channels: Int64(groups > 1 && inputs == 1 && outputs == 1 ? groups : inputs),
      input: triple(Array(x.shape[2...])), kernel: triple(Array(weight.shape[2...])),
      output: triple(sizes), stride: triple(geometry.stride), padding: triple(geometry.padding),
      dilation: triple(geometry.dilation))
    direct = DirectConvolution(
      self.geometry, batch: batch, groups: groups, outputs: outputs, dtype: dtype)
  }

  /// The convolution, with a bias only where `takesBias`.
  func callAsFunction(_ x: Tensor, _ weight: Tensor, bias: Tensor? = nil) -> Tensor {
    let result = Tensor(uninitialized: outputShape, dtype: dtype)
    let (input, kernel) = (x.detached(), weight.detached())
    if let direct {
      direct.run(input, weight: kernel, bias: bias, into: result)
    } else if isDepthwise {
      withUnsafePointer(to: geometry) {
        kernels(dtype).depthwise(input.pointer, kernel.pointer, result.pointer, batch, $0)
      }
    } else {
      let scratch = scratch
      eachGroup { x, w, y in
        BLAS.multiply(
          dtype, a: kernel.pointer + w, transposeA: false,
          b: columns(input.pointer + x, scratch), transposeB: false, c: result.pointer + y,
          m: outputs, n: pixels, k: taps)
      }
    }
    let (inputShape, needsInput) = (x.shape, x.isTracked)
    let saved = weight.isTracked ? input : nil
    return result.recorded(from: [x, weight]) { gradient in
      backward(
        saved, kernel, gradient, inputShape: needsInput ? inputShape : nil)
    }
  }

  /// Gradients of the input, where its shape is given, and of the weight, where the input is.
  private func backward(
    _ input: Tensor?, _ kernel: Tensor, _ gradient: Tensor, inputShape: [Int]?
  ) -> [Tensor?] {
    let dw = input.map { _ in Tensor(zeros: kernel.shape, dtype: dtype) }
    guard !isDepthwise else {
      let dx = inputShape.map { Tensor(zeros: $0, dtype: dtype) }
      withUnsafePointer(to: geometry) {
        kernels(dtype).depthwise_backward(
          (input ?? gradient).pointer, kernel.pointer, gradient.pointer, dx?.pointer, dw?.pointer,
          batch, $0)
      }
      return [dx, dw]
    }
    var dx: Tensor?
    var isWritten = false
    if let inputShape, let adjoint = direct?.adjoint {
      let result = Tensor(uninitialized: inputShape, dtype: dtype)
      adjoint.run(gradient, weight: kernel, isAdjoint: true, into: result)
      (dx, isWritten) = (result, true)
    } else {
      dx = inputShape.map { Tensor(zeros: $0, dtype: dtype) }
    }
    guard dw != nil || dx != nil && !isWritten else { return [dx, dw] }
    let scratch = scratch
    eachGroup { x, w, y in
      if let dw, let input {
        BLAS.multiply(
          dtype, a: gradient.pointer + y, transposeA: false, b: columns(input.pointer + x, scratch),
          transposeB: true, c: dw.pointer + w, m: outputs, n: taps, k: pixels, beta: 1)
      }
      if let dx, !isWritten {
        let target = geometry.isPointwise ? dx.pointer + x : scratch.pointer
        BLAS.multiply(
          dtype, a: kernel.pointer + w, transposeA: true, b: gradient.pointer + y,
          transposeB: false, c: target, m: taps, n: pixels, k: outputs)
        guard !geometry.isPointwise else { return }
        withUnsafePointer(to: geometry) { kernels(dtype).col2im(target, dx.pointer + x, $0) }
      }
    }
    return [dx, dw]
  }

  /// Memory for the columns of one sample and group; none where the input's lines serve.
  private var scratch: Tensor {
    Tensor(uninitialized: geometry.isPointwise ? [0] : [taps, pixels], dtype: dtype)
  }

  /// The columns `[taps, pixels]` of one sample and group.
  private func columns(_ x: UnsafeRawPointer, _ scratch: Tensor) -> UnsafeRawPointer {
    guard !geometry.isPointwise else { return x }
    withUnsafePointer(to: geometry) { kernels(dtype).im2col(x, scratch.pointer, $0) }
    return UnsafeRawPointer(scratch.pointer)
  }

  /// Byte offsets of input, weight and output for every sample and group.
  private func eachGroup(_ body: (_ x: Int, _ weight: Int, _ y: Int) -> Void) {
    let size = dtype.byteCount
    for sample in 0..<batch {
      for group in 0..<groups {
        let part = sample * groups + group
        body(
          part * inputs * inputPixels * size, group * outputs * taps * size,
          part * outputs * pixels * size)
      }
    }
  }
}
