internal import CKernels

/// A linear map along one axis, given by a few taps for each output.
package struct AxisTaps: Sendable, Equatable {
  /// Size of the input axis.
  package let inputSize: Int
  /// Taps of each output; all outputs have the same number (weights may be zero).
  package let tapCount: Int
  /// `[outputs · taps]`.
  package let indices: [Int32]
  /// `[outputs · taps]`.
  package let weights: [Double]

  package var outputSize: Int { indices.count / max(1, tapCount) }

  /// One list of (index, weight) for each output.
  package init(inputSize: Int, outputs: [[(index: Int, weight: Double)]]) {
    let taps = outputs.map(\.count).max() ?? 0
    self.inputSize = inputSize
    tapCount = taps
    indices = outputs.flatMap { list in
      (0..<taps).map { $0 < list.count ? Int32(list[$0].index) : 0 }
    }
    weights = outputs.flatMap { list in (0..<taps).map { $0 < list.count ? list[$0].weight : 0 } }
    precondition(indices.allSatisfy { 0 <= $0 && $0 < Int32(inputSize) }, "tap outside the axis")
  }

  /// Linear interpolation with half-pixel centres, without antialiasing; coordinates in single
  /// precision, as PyTorch computes them.
  package static func linear(from input: Int, to output: Int) -> AxisTaps {
    let scale = Float(input) / Float(output)
    return AxisTaps(
      inputSize: input,
      outputs: (0..<output).map { i in
        let position = max(0, (Float(i) + 0.5) * scale - 0.5)
        let low = min(Int(position), input - 1)
        let high = min(low + 1, input - 1)
        let fraction = Double(position - Float(low))
        return [(low, 1 - fraction), (high, fraction)]
      })
  }

  /// Triangle filter with antialiasing: its support grows with the scale when the axis shrinks.
  package static func antialiasedLinear(from input: Int, to output: Int) -> AxisTaps {
    let scale = Double(input) / Double(output)
    let support = max(scale, 1)
    return AxisTaps(
      inputSize: input,
      outputs: (0..<output).map { i in
        let centre = scale * (Double(i) + 0.5)
        let first = max(Int(centre - support + 0.5), 0)
        let last = min(Int(centre + support + 0.5), input)
        let raw = (first..<last).map { max(0, 1 - abs((Double($0) - centre + 0.5) / support)) }
        let total = raw.reduce(0, +)
        return zip(first..<last, raw).map { ($0, $1 / total) }
      })
  }
}

extension Tensor {
  /// Applies a linear map along one axis.
  package func resampled(axis: Int, _ taps: AxisTaps) -> Tensor {
    precondition(
      shape[axis] == taps.inputSize,
      "axis \(axis) of \(shape) against taps for \(taps.inputSize)")
    var target = shape
    target[axis] = taps.outputSize
    let outer = shape[..<axis].reduce(1, *)
    let inner = shape[(axis + 1)...].reduce(1, *)
    let result = Tensor(uninitialized: target, dtype: dtype)
    kernels(dtype).resample(
      pointer, result.pointer, taps.indices, taps.weights, outer, taps.inputSize, taps.outputSize,
      inner, taps.tapCount)
    let (original, dtype) = (shape, dtype)
    return result.recorded(from: [self]) { gradient in
      let dx = Tensor(zeros: original, dtype: dtype)
      kernels(dtype).resample_backward(
        gradient.pointer, dx.pointer, taps.indices, taps.weights, outer, taps.inputSize,
        taps.outputSize, inner, taps.tapCount)
      return [dx]
    }
  }
}
