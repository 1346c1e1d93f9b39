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
  let call = ConvolutionCall(x: x, weight: cropped, geometry: cut)
  guard let bias else { return call(x, cropped) }
  // A frozen bias goes with the sums where the way to compute them allows it.
  if !bias.isTracked, call.takesBias { return call(x, cropped, bias: bias) }
  return call(x, cropped).affineByChannel(weight: nil, bias: bias)
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
