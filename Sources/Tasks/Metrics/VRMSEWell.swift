/// The Well's VRMSE (arXiv 2412.00568): the error over the spatial standard deviation of the truth,
/// for each scalar field of each frame.
package struct VRMSEWell: FieldMetric, ScalarMetric {
  package static let name = "VRMSE_Well"
  package static let lowerIsBetter = true
  package static let unit = MetricUnit.dimensionless
  package static let formula =
    "per frame, field and component √(mean (p − y)² / (mean (y − ȳ)² + 1e-7)), means over space; "
    + "then the mean over fields, components and frames, then over trajectories"

  private var mean = RunningMean()
  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    var slices = RunningMean()
    TrajectoryPair(prediction, truth).forEachSlice { p, y in
      var squaredError = 0.0
      var sum = 0.0
      for index in 0..<y.count {
        let error = Double(p[index]) - Double(y[index])
        squaredError += error * error
        sum += Double(y[index])
      }
      let center = sum / Double(y.count)
      let squares = y.reduce(0.0) { $0 + (Double($1) - center) * (Double($1) - center) }
      let count = Double(y.count)
      slices.add((squaredError / count / (squares / count + 1e-7)).squareRoot())
    }
    mean.add(slices.value)
  }

  package mutating func merge(_ other: VRMSEWell) { mean.merge(other.mean) }
  package var value: Double { mean.value }
}
