/// Root of the mean squared error over the whole set.
package struct RMSE: FieldMetric, ScalarMetric {
  package static let name = "RMSE"
  package static let lowerIsBetter = true
  package static let unit = MetricUnit.data
  package static let formula = "√(mean (p − y)²), the mean over all values of the set together"

  private var squares = RunningMean()
  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    let pair = TrajectoryPair(prediction, truth)
    squares.add(sum: pair.squaredError, count: pair.count)
  }

  package mutating func merge(_ other: RMSE) { squares.merge(other.squares) }
  package var value: Double { squares.value.squareRoot() }
}
