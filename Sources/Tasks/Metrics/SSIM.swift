internal import Foundation

/// Structural similarity of images, for values that run from 0 to 1.
///
/// Wang and others 2004, eq. 13.
package struct SSIM: FieldMetric, ScalarMetric {
  package static let name = "SSIM"
  package static let lowerIsBetter = false
  package static let unit = MetricUnit.dimensionless
  package static let formula =
    "mean over window positions of (2 μp μy + 1e-4)(2 σpy + 9e-4) / ((μp² + μy² + 1e-4)(σp² + σy² + "
    + "9e-4)), moments in a Gaussian window of 11 × 11 pixels with σ 1.5 that lies within the image, "
    + "values from 0 to 1; then the mean over channels, frames and images; not a number for an image "
    + "with a side below 11 pixels"

  /// Weights at 0…10, their sum 1.
  private static let window: [Double] = {
    let weights = (-5...5).map { exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
    return weights.map { $0 / weights.reduce(0, +) }
  }()

  private var mean = RunningMean()
  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    let shape = truth.shape
    let pixels = shape.height * shape.width
    var planes = RunningMean()
    TrajectoryPair(prediction, truth).forEachSlice { prediction, truth in
      for start in stride(from: 0, to: truth.count, by: max(1, pixels)) {
        planes.add(
          Self.similarity(
            prediction[start..<start + pixels].map(Double.init),
            truth[start..<start + pixels].map(Double.init), shape.height, shape.width))
      }
    }
    mean.add(planes.value)
  }

  package mutating func merge(_ other: SSIM) { mean.merge(other.mean) }
  package var value: Double { mean.value }

  private static func similarity(
    _ p: [Double], _ y: [Double], _ height: Int, _ width: Int
  ) -> Double {
    guard min(height, width) >= window.count else { return .nan }
    func means(_ values: [Double]) -> [Double] { windowMeans(values, height, width) }
    let meanP = means(p)
    let meanY = means(y)
    let squareP = means(p.map { $0 * $0 })
    let squareY = means(y.map { $0 * $0 })
    let product = means(zip(p, y).map { $0 * $1 })
    var sum = 0.0
    for cell in meanP.indices {
      let squares = meanP[cell] * meanP[cell] + meanY[cell] * meanY[cell]
      let both = meanP[cell] * meanY[cell]
      let luminance = (2 * both + 1e-4) / (squares + 1e-4)
      let structure =
        (2 * (product[cell] - both) + 9e-4) / (squareP[cell] + squareY[cell] - squares + 9e-4)
      sum += luminance * structure
    }
    return sum / Double(meanP.count)
  }

  /// Weighted means `[height − 10, width − 10]` of the windows that lie within `[height, width]`.
  private static func windowMeans(_ values: [Double], _ height: Int, _ width: Int) -> [Double] {
    let columns = width - window.count + 1
    var rows = [Double](repeating: 0, count: height * columns)
    var result = [Double](repeating: 0, count: (height - window.count + 1) * columns)
    values.withUnsafeBufferPointer { values in
      rows.withUnsafeMutableBufferPointer { rows in
        for (shift, weight) in window.enumerated() {
          for row in 0..<height {
            for column in 0..<columns {
              rows[row * columns + column] += weight * values[row * width + column + shift]
            }
          }
        }
        for (shift, weight) in window.enumerated() {
          for cell in result.indices { result[cell] += weight * rows[cell + shift * columns] }
        }
      }
    }
    return result
  }
}
