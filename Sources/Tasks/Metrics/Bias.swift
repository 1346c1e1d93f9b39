/// Mean error over the whole set.
package struct Bias: FieldMetric, ScalarMetric {
  package static let name = "Bias"
  package static let lowerIsBetter = true
  package static let unit = MetricUnit.data
  package static let formula =
    "mean (p − y) over all values of the set together; its best value is 0, positive means that the "
    + "prediction is too large"
  package static let isOrdered = false

  private var errors = RunningMean()
  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    let pair = TrajectoryPair(prediction, truth)
    errors.add(sum: pair.sum { $0 }, count: pair.count)
  }

  package mutating func merge(_ other: Bias) { errors.merge(other.errors) }
  package var value: Double { errors.value }
}
