/// Structural similarity with a uniform window, for values that run from 0 to 1.
///
/// As MORPH's code computes it; `SSIM` has the Gaussian window of Wang and others 2004.
package struct SSIMUniform: FieldMetric, ScalarMetric {
  package static let name = "SSIM_Uniform"
  package static let lowerIsBetter = false
  package static let unit = MetricUnit.dimensionless
  package static let formula =
    "mean over cells of (2 μp μy + 1e-4)(2 σpy + 9e-4) / ((μp² + μy² + 1e-4)(σp² + σy² + 9e-4)), "
    + "means in a uniform window of 11 cells along each space axis longer than 1, zeros outside the "
    + "grid counted, values from 0 to 1; then the mean over components, fields, frames and images "
    + "or trajectories"

  private var mean = RunningMean()
  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    let space = truth.shape.space
    var slices = RunningMean()
    TrajectoryPair(prediction, truth).forEachSlice { prediction, truth in
      slices.add(Self.similarity(prediction.map(Double.init), truth.map(Double.init), space))
    }
    mean.add(slices.value)
  }

  package mutating func merge(_ other: SSIMUniform) { mean.merge(other.mean) }
  package var value: Double { mean.value }

  private static func similarity(_ p: [Double], _ y: [Double], _ space: [Int]) -> Double {
    let meanP = windowMeans(p, space)
    let meanY = windowMeans(y, space)
    let squareP = windowMeans(p.map { $0 * $0 }, space)
    let squareY = windowMeans(y.map { $0 * $0 }, space)
    let product = windowMeans(zip(p, y).map { $0 * $1 }, space)
    var sum = 0.0
    for cell in p.indices {
      let varianceP = squareP[cell] - meanP[cell] * meanP[cell]
      let varianceY = squareY[cell] - meanY[cell] * meanY[cell]
      let covariance = product[cell] - meanP[cell] * meanY[cell]
      let squares = meanP[cell] * meanP[cell] + meanY[cell] * meanY[cell]
      sum +=
        (2 * meanP[cell] * meanY[cell] + 1e-4) * (2 * covariance + 9e-4)
        / ((squares + 1e-4) * (varianceP + varianceY + 9e-4))
    }
    return sum / Double(p.count)
  }

  /// Mean over a window of 11 cells along each axis longer than 1, one axis after the other.
  private static func windowMeans(_ values: [Double], _ space: [Int]) -> [Double] {
    var result = values
    var stride = 1
    for length in space.reversed() {
      if length > 1 {
        let source = result
        for cell in source.indices {
          let position = cell / stride % length
          var sum = 0.0
          for shift in max(-5, -position)...min(5, length - 1 - position) {
            sum += source[cell + shift * stride]
          }
          result[cell] = sum / 11
        }
      }
      stride *= length
    }
    return result
  }
}
