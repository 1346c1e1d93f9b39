/// Root mean squared error over the root mean square of the truth, per trajectory (MORPH,
/// arXiv 2509.21670).
package struct NRMSE: FieldMetric, ScalarMetric {
  package static let name = "nRMSE"
  package static let lowerIsBetter = true
  package static let unit = MetricUnit.dimensionless
  package static let formula =
    "per trajectory √(mean (p − y)² / (mean y² + 1e-7)), means over frames, fields, components "
    + "and space together; then the mean over trajectories"

  private var mean = RunningMean()
  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    let pair = TrajectoryPair(prediction, truth)
    mean.add((pair.meanSquaredError / (truth.meanSquare + 1e-7)).squareRoot())
  }

  package mutating func merge(_ other: NRMSE) { mean.merge(other.mean) }
  package var value: Double { mean.value }
}
