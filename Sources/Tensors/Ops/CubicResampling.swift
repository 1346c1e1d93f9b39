extension AxisTaps {
  /// Cubic interpolation with half-pixel centres (a = −0.75), without antialiasing; coordinates in
  /// single precision and borders repeated, as PyTorch computes them.
  package static func cubic(from input: Int, to output: Int) -> AxisTaps {
    let scale = Float(input) / Float(output)
    return AxisTaps(
      inputSize: input,
      outputs: (0..<output).map { i in
        let position = (Float(i) + 0.5) * scale - 0.5
        let low = position.rounded(.down)
        let fraction = Double(position - low)
        return (-1...2).map { tap in
          (
            min(max(Int(low) + tap, 0), input - 1),
            cubicWeight(distance: abs(Double(tap) - fraction), a: -0.75)
          )
        }
      })
  }

  /// Cubic filter with antialiasing (a = −0.5): its support grows with the scale when the axis
  /// shrinks, and its weights are normalized.
  package static func antialiasedCubic(from input: Int, to output: Int) -> AxisTaps {
    let scale = Double(input) / Double(output)
    let stretch = max(scale, 1)
    return AxisTaps(
      inputSize: input,
      outputs: (0..<output).map { i in
        let centre = scale * (Double(i) + 0.5)
        let first = max(Int(centre - 2 * stretch + 0.5), 0)
        let last = min(Int(centre + 2 * stretch + 0.5), input)
        let raw = (first..<last).map {
          cubicWeight(distance: abs(Double($0) - centre + 0.5) / stretch, a: -0.5)
        }
        let total = raw.reduce(0, +)
        return zip(first..<last, raw).map { ($0, $1 / total) }
      })
  }

  /// Keys' kernel (IEEE ASSP 29 (6), 1981, equation 4) with free parameter `a`.
  private static func cubicWeight(distance x: Double, a: Double) -> Double {
    if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
    return x < 2 ? a * (((x - 5) * x + 8) * x - 4) : 0
  }
}
