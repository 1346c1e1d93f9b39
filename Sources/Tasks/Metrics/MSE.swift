/// Mean squared error over the whole set.
package struct MSE: FieldMetric, ScalarMetric {
  package static let name = "MSE"
  package static let lowerIsBetter = true
  package static let unit = MetricUnit.squaredData
  package static let formula = "mean (p − y)² over all values of the set together"

  private var squares = RunningMean()
  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    let pair = TrajectoryPair(prediction, truth)
    squares.add(sum: pair.squaredError, count: pair.count)
  }

  package mutating func merge(_ other: MSE) { squares.merge(other.squares) }
  package var value: Double { squares.value }
}
