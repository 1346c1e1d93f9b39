internal import CKernels

/// Stride, padding, dilation and groups of a convolution over depth, height and width.
///
/// A 2-D convolution leaves the first axis at its defaults, a 1-D one the first two.
public struct ConvolutionGeometry: Sendable, Hashable {
  /// Step between outputs along depth, height, width.
  public var stride: [Int]
  /// Zeros on both sides.
  public var padding: [Int]
  /// Distance between taps.
  public var dilation: [Int]
  /// Groups of channels that do not mix.
  public var groups: Int

  /// All three axes; the defaults are those of a plain convolution.
  public init(
    stride: [Int] = [1, 1, 1], padding: [Int] = [0, 0, 0], dilation: [Int] = [1, 1, 1],
    groups: Int = 1
  ) {
    precondition(stride.count == 3 && padding.count == 3 && dilation.count == 3 && groups > 0)
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
    self.groups = groups
  }

  /// A convolution over height and width that is equal along both.
  public static func planar(
    stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1
  ) -> ConvolutionGeometry {
    ConvolutionGeometry(
      stride: [1, stride, stride], padding: [0, padding, padding],
      dilation: [1, dilation, dilation], groups: groups)
  }

  /// Output size along `axis` for an input size and a kernel size.
  func outputSize(axis: Int, input: Int, kernel: Int) -> Int {
    (input + 2 * padding[axis] - dilation[axis] * (kernel - 1) - 1) / stride[axis] + 1
  }
}

/// Cross-correlation over depth, height and width, or over height and width (what deep learning
/// calls convolution).
///
/// Where an axis has size 1 and the kernel is padded by half its size, only its middle slice meets
/// data and only that slice is computed.
/// - Parameters:
///   - x: `[batch, in, D, H, W]`, or `[batch, in, H, W]`.
///   - weight: `[out, in / groups, kD, kH, kW]`, or `[out, in / groups, kH, kW]`.
///   - bias: `[out]` or nil.
///   - geometry: stride, padding, dilation, groups.
/// - Returns: `[batch, out, D', H', W']`, or `[batch, out, H', W']`.
public func convolution(
  _ x: Tensor, weight: Tensor, bias: Tensor? = nil, geometry: ConvolutionGeometry = .init()
) -> Tensor {
  precondition(
    (4...5).contains(x.rank) && weight.rank == x.rank
      && x.shape[1] == weight.shape[1] * geometry.groups && weight.shape[0] % geometry.groups == 0,
    "convolution: input \(x.shape), weight \(weight.shape), \(geometry.groups) groups")
  if x.rank == 4 {
    let volume = convolution(
      x.withDepth, weight: weight.withDepth, bias: bias, geometry: geometry)
    precondition(volume.shape[2] == 1, "convolution over a plane with depth: \(geometry)")
    return volume.reshaped(to: Array(volume.shape[..<2] + volume.shape[3...]))
  }
  let (cropped, cut) = croppedToData(weight, geometry, input: x.shape)
  let result = Columns(x: x, weight: cropped, geometry: cut).convolution(x, cropped)
  return bias.map { result.affineByChannel(weight: nil, bias: $0) } ?? result
}

extension Tensor {
  /// A depth of 1 behind the first two axes.
  fileprivate var withDepth: Tensor {
    reshaped(to: Array(shape[..<2]) + [1] + shape[2...])
  }
}

/// The middle slices of the kernel along axes of size 1.
private func croppedToData(
  _ weight: Tensor, _ geometry: ConvolutionGeometry, input: [Int]
) -> (Tensor, ConvolutionGeometry) {
  var (weight, geometry) = (weight, geometry)
  for axis in 0..<3 {
    let size = weight.shape[2 + axis]
    guard
      input[2 + axis] == 1, size > 1, size % 2 == 1,
      geometry.padding[axis] == geometry.dilation[axis] * (size / 2)
    else { continue }
    weight = weight.sliced(axis: 2 + axis, (size / 2)..<(size / 2 + 1))
    geometry.padding[axis] = 0
    geometry.dilation[axis] = 1
    geometry.stride[axis] = 1
  }
  return (weight, geometry)
}

/// One convolution as products with columns, sample by sample and group by group.
private struct Columns: Sendable {
  let batch: Int
  let groups: Int
  let inputs: Int
  let outputs: Int
  let inputPixels: Int
  let outputShape: [Int]
  let taps: Int
  /// Whether every output reads one input pixel, so that the input's lines are the columns.
  let isPointwise: Bool
  let dtype: DType
  let geometry: attune_convolution

  private var pixels: Int { outputShape[2] * outputShape[3] * outputShape[4] }

  init(x: Tensor, weight: Tensor, geometry: ConvolutionGeometry) {
    batch = x.shape[0]
    groups = geometry.groups
    inputs = weight.shape[1]
    outputs = weight.shape[0] / groups
    inputPixels = x.shape[2] * x.shape[3] * x.shape[4]
    taps = inputs * weight.shape[2] * weight.shape[3] * weight.shape[4]
    isPointwise =
      taps == inputs && geometry.stride == [1, 1, 1] && geometry.padding == [0, 0, 0]
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
      channels: Int64(inputs), input: triple(Array(x.shape[2...])),
      kernel: triple(Array(weight.shape[2...])), output: triple(sizes),
      stride: triple(geometry.stride), padding: triple(geometry.padding),
      dilation: triple(geometry.dilation))
  }

  func convolution(_ x: Tensor, _ weight: Tensor) -> Tensor {
    let result = Tensor(uninitialized: outputShape, dtype: dtype)
    let (input, kernel) = (x.detached(), weight.detached())
    let scratch = scratch
    eachGroup { x, w, y in
      BLAS.multiply(
        dtype, a: kernel.pointer + w, transposeA: false, b: columns(input.pointer + x, scratch),
        transposeB: false, c: result.pointer + y, m: outputs, n: pixels, k: taps)
    }
    let (needsInput, needsWeight) = (x.isTracked, weight.isTracked)
    return result.recorded(from: [x, weight]) { gradient in
      backward(
        input, kernel, gradient, needsInput: needsInput, needsWeight: needsWeight)
    }
  }

  private func backward(
    _ input: Tensor, _ kernel: Tensor, _ gradient: Tensor, needsInput: Bool, needsWeight: Bool
  ) -> [Tensor?] {
    let dx = needsInput ? Tensor(zeros: input.shape, dtype: dtype) : nil
    let dw = needsWeight ? Tensor(zeros: kernel.shape, dtype: dtype) : nil
    let scratch = scratch
    eachGroup { x, w, y in
      if let dw {
        BLAS.multiply(
          dtype, a: gradient.pointer + y, transposeA: false, b: columns(input.pointer + x, scratch),
          transposeB: true, c: dw.pointer + w, m: outputs, n: taps, k: pixels, beta: 1)
      }
      if let dx {
        let target = isPointwise ? dx.pointer + x : scratch.pointer
        BLAS.multiply(
          dtype, a: kernel.pointer + w, transposeA: true, b: gradient.pointer + y,
          transposeB: false, c: target, m: taps, n: pixels, k: outputs)
        guard !isPointwise else { return }
        withUnsafePointer(to: geometry) { kernels(dtype).col2im(target, dx.pointer + x, $0) }
      }
    }
    return [dx, dw]
  }

  /// Memory for the columns of one sample and group; none where the input's lines serve.
  private var scratch: Tensor {
    Tensor(uninitialized: isPointwise ? [0] : [taps, pixels], dtype: dtype)
  }

  /// The columns `[taps, pixels]` of one sample and group.
  private func columns(_ x: UnsafeRawPointer, _ scratch: Tensor) -> UnsafeRawPointer {
    guard !isPointwise else { return x }
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
