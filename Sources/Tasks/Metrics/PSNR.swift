internal import Foundation

/// Peak signal-to-noise ratio for values that run from 0 to 1.
package struct PSNR: FieldMetric, ScalarMetric {
  package static let name = "PSNR"
  package static let lowerIsBetter = false
  package static let unit = MetricUnit.decibels
  package static let formula =
    "per image or trajectory 20 log₁₀(1 / √(mean (p − y)²)), values from 0 to 1; then the mean "
    + "over images or trajectories, infinite where any of them is equal to its truth"

  private var mean = RunningMean()
  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    mean.add(-10 * log10(TrajectoryPair(prediction, truth).meanSquaredError))
  }

  package mutating func merge(_ other: PSNR) { mean.merge(other.mean) }
  package var value: Double { mean.value }
}
