internal import CKernels

/// A convolution without groups straight from its input, which is much faster than by columns where
/// there are pixels enough to make up for packing the weights.
struct DirectConvolution: Sendable {
  private let geometry: attune_convolution
  private let batch: Int
  private let outputs: Int
  private let dtype: DType

  /// Fewest output pixels of a batch for which it pays.
  private static let fewestPixels = 96
  /// Pixels of a sample from which products over plain lines of pixels are as good, where every output
  /// reads one pixel.
  private static let manyPixels = 1024

  private init(_ geometry: attune_convolution, batch: Int, outputs: Int, dtype: DType) {
    self.geometry = geometry
    self.batch = batch
    self.outputs = outputs
    self.dtype = dtype
  }

  /// Nil where columns are the better way, or the only one.
  init?(_ geometry: attune_convolution, batch: Int, groups: Int, outputs: Int, dtype: DType) {
    let pixels = geometry.outputPixels
    let isPlain = geometry.isPointwise && pixels >= Self.manyPixels
    guard groups == 1, !isPlain, batch * pixels >= Self.fewestPixels else { return nil }
    self.init(geometry, batch: batch, outputs: outputs, dtype: dtype)
  }

  /// The convolution that gives the gradient of the input from that of the output; nil where the
  /// outputs skip pixels or the padding is wider than the kernel.
  var adjoint: DirectConvolution? {
    let g = geometry
    guard g.stride == (1, 1, 1) else { return nil }
    func padding(_ dilation: Int64, _ kernel: Int64, _ own: Int64) -> Int64 {
      dilation * (kernel - 1) - own
    }
    let padding = (
      padding(g.dilation.0, g.kernel.0, g.padding.0),
      padding(g.dilation.1, g.kernel.1, g.padding.1), padding(g.dilation.2, g.kernel.2, g.padding.2)
    )
    guard min(padding.0, padding.1, padding.2) >= 0 else { return nil }
    return DirectConvolution(
      attune_convolution(
        channels: Int64(outputs), input: g.output, kernel: g.kernel, output: g.input,
        stride: g.stride, padding: padding, dilation: g.dilation),
      batch: batch, outputs: Int(g.channels), dtype: dtype)
  }

  /// Writes the convolution of `x` with `weight` `[outputs, channels, taps]` to `y`, or as an adjoint
  /// with `weight` `[channels, outputs, taps]` backwards.
  func run(
    _ x: Tensor, weight: Tensor, isAdjoint: Bool = false, bias: Tensor? = nil, into y: Tensor
  ) {
    let table = kernels(dtype)
    let (inputs, taps) = (Int(geometry.channels), geometry.taps)
    var (size, scratchSize) = (0, 0)
    table.packed_kernel_size(outputs, inputs, taps, &size)
    let packed = Tensor(uninitialized: [size], dtype: dtype)
    table.pack_kernel(
      weight.pointer, packed.pointer, outputs, inputs, taps,
      isAdjoint ? taps : inputs * taps, isAdjoint ? outputs * taps : taps, isAdjoint ? 1 : 0)
    withUnsafePointer(to: geometry) { geometry in
      table.convolve_scratch(geometry, &scratchSize)
      let scratch = Tensor(uninitialized: [scratchSize], dtype: dtype)
      table.convolve(
        x.pointer, packed.pointer, bias?.pointer, y.pointer, batch, outputs, geometry,
        scratch.pointer)
    }
  }
}

extension attune_convolution {
  var outputPixels: Int { Int(output.0 * output.1 * output.2) }
  var taps: Int { Int(kernel.0 * kernel.1 * kernel.2) }
  /// Whether every output reads the input pixel at its own place alone.
  var isPointwise: Bool { taps == 1 && stride == (1, 1, 1) && padding == (0, 0, 0) }
}
