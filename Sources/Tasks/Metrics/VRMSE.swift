/// Root mean squared error over the standard deviation of the truth, per trajectory (MORPH,
/// arXiv 2509.21670, and its code); The Well's metric of this name is ``VRMSEWell``.
package struct VRMSE: FieldMetric, ScalarMetric {
  package static let name = "VRMSE"
  package static let lowerIsBetter = true
  package static let unit = MetricUnit.dimensionless
  package static let formula =
    "per trajectory √(mean (p − y)² / (mean (y − ȳ)² + 1e-7)), means over frames, fields, "
    + "components and space together, ȳ one number per trajectory; then the mean over trajectories"

  private var mean = RunningMean()
  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    let pair = TrajectoryPair(prediction, truth)
    mean.add((pair.meanSquaredError / (truth.variance + 1e-7)).squareRoot())
  }

  package mutating func merge(_ other: VRMSE) { mean.merge(other.mean) }
  package var value: Double { mean.value }
}
