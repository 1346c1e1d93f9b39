/// Mean absolute error over the whole set.
package struct MAE: FieldMetric, ScalarMetric {
  package static let name = "MAE"
  package static let lowerIsBetter = true
  package static let unit = MetricUnit.data
  package static let formula = "mean |p − y| over all values of the set together"

  private var distances = RunningMean()
  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    let pair = TrajectoryPair(prediction, truth)
    distances.add(sum: pair.sum(abs), count: pair.count)
  }

  package mutating func merge(_ other: MAE) { distances.merge(other.distances) }
  package var value: Double { distances.value }
}
