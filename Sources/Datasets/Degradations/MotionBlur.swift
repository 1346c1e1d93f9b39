package import Recipes
package import Tensors

/// Mean along a straight line, as by a camera that moves evenly; borders are mirrored.
///
/// Weights are those of `LineKernel`, scaled to a sum of 1.
package struct MotionBlur: Degradation {
  package static let name = "motion-blur"
  package static let summary = "blurs along a straight line"
  package static let options: OptionTable = [
    Option(
      "length", DrawnNumber.type, default: .required, range: .atLeast(1), unit: "pixels",
      "of the line, or [lowest, highest]"),
    Option(
      "angle", DrawnNumber.type, default: [0, 180], unit: "degrees",
      "of the line, counterclockwise from the rows"),
  ]

  private let length: DrawnNumber
  private let angle: DrawnNumber

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    length = DrawnNumber("length", options, diagnostics)
    angle = DrawnNumber("angle", options, diagnostics)
  }

  package func callAsFunction(_ image: Tensor, _ random: inout Philox) -> Tensor {
    let length = length.drawn(&random)
    return image.convolved(LineKernel(length: length, angle: angle.drawn(&random)))
  }
}

extension Tensor {
  /// Weighted mean of the pixels around each one; f32 `[channel, row, column]`.
  fileprivate func convolved(_ kernel: LineKernel) -> Tensor {
    let (height, width, reach) = (shape[1], shape[2], kernel.reach)
    let wide = width + 2 * reach
    let mass = kernel.taps.reduce(Float(0)) { $0 + $1.weight }
    let columns = (0..<wide).map { mirroredPosition($0 - reach, width) }
    let rows = (0..<(height + 2 * reach)).map { mirroredPosition($0 - reach, height) }
    let result = Tensor(zeros: shape)
    var padded = [Float](repeating: 0, count: rows.count * wide)
    withElements(of: Float.self) { source in
      result.withMutableElements(of: Float.self) { target in
        for channel in 0..<shape[0] {
          let plane = channel * height * width
          for (row, from) in rows.enumerated() {
            for (column, other) in columns.enumerated() {
              padded[row * wide + column] = source[plane + from * width + other]
            }
          }
          padded.withUnsafeBufferPointer { padded in
            for row in 0..<height {
              let start = plane + row * width
              for tap in kernel.taps {
                let weight = tap.weight / mass
                let from = (row + reach + tap.row) * wide + reach + tap.column
                for column in 0..<width {
                  target[start &+ column] += weight * padded[from &+ column]
                }
              }
            }
          }
        }
      }
    }
    return result
  }
}
