extension AxisTaps {
  /// Adaptive average pooling: output `i` of `n` is the mean of the inputs from ⌊i · input / n⌋ up to
  /// ⌈(i + 1) · input / n⌉; neighboring windows may overlap.
  package static func averagePool(from input: Int, to output: Int) -> AxisTaps {
    AxisTaps(
      inputSize: input,
      outputs: (0..<output).map { i in
        let window = poolingWindow(i, of: output, input: input)
        return window.map { ($0, 1 / Double(window.count)) }
      })
  }

  /// Linear interpolation in which the first and last elements of both axes coincide (PyTorch's
  /// `align_corners`); coordinates in single precision, as PyTorch computes them.
  package static func alignedLinear(from input: Int, to output: Int) -> AxisTaps {
    let scale = output > 1 ? Float(input - 1) / Float(output - 1) : 0
    return AxisTaps(
      inputSize: input,
      outputs: (0..<output).map { i in
        let position = Float(i) * scale
        let low = min(Int(position), input - 1)
        let fraction = Double(position - Float(low))
        return [(low, 1 - fraction), (min(low + 1, input - 1), fraction)]
      })
  }
}

/// The inputs that output `index` of an adaptive pooling looks at.
package func poolingWindow(_ index: Int, of outputs: Int, input: Int) -> Range<Int> {
  (index * input / outputs)..<(((index + 1) * input + outputs - 1) / outputs)
}
