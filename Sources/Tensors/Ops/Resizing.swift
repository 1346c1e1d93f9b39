/// How an image is brought to another size.
package enum Interpolation: Sendable, Hashable {
  /// The pixel at ⌊i · input / output⌋.
  case nearest
  /// Between the four nearest pixels, by their centers or with the corners on each other.
  case bilinear(alignsCorners: Bool)

  fileprivate func taps(from input: Int, to output: Int) -> AxisTaps {
    switch self {
    case .nearest: .nearest(from: input, to: output)
    case .bilinear(alignsCorners: false): .linear(from: input, to: output)
    case .bilinear(alignsCorners: true): .alignedLinear(from: input, to: output)
    }
  }
}

extension AxisTaps {
  /// Output `i` is input ⌊i · input / output⌋; coordinates in single precision, as PyTorch computes
  /// them.
  package static func nearest(from input: Int, to output: Int) -> AxisTaps {
    let scale = Float(input) / Float(output)
    return AxisTaps(
      inputSize: input, outputs: (0..<output).map { [(min(Int(Float($0) * scale), input - 1), 1)] })
  }
}

extension Tensor {
  /// `[batch, channels, height, width]` brought to another height and width, without antialiasing.
  package func resized(to size: [Int], _ interpolation: Interpolation) -> Tensor {
    precondition(rank == 4 && size.count == 2, "\(shape) resized to \(size)")
    var result = self
    for axis in [2, 3] where shape[axis] != size[axis - 2] {
      result = result.resampled(
        axis: axis, interpolation.taps(from: shape[axis], to: size[axis - 2]))
    }
    return result
  }

  /// `[batch, channels, height, width]` pooled to a grid of means (adaptive average pooling).
  package func averagePooled(to size: [Int]) -> Tensor {
    precondition(rank == 4 && size.count == 2, "\(shape) pooled to \(size)")
    return resampled(axis: 2, .averagePool(from: shape[2], to: size[0]))
      .resampled(axis: 3, .averagePool(from: shape[3], to: size[1]))
  }
}
