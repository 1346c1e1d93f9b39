/// Largest absolute error anywhere in the set.
package struct MaxError: FieldMetric, ScalarMetric {
  package static let name = "MaxError"
  package static let lowerIsBetter = true
  package static let unit = MetricUnit.data
  package static let formula =
    "max |p − y| over all values of the set; no interval, since resampling never finds a larger one"
  package static let hasInterval = false

  package private(set) var value = Double.nan
  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    let pair = TrajectoryPair(prediction, truth)
    var largest = 0.0
    _ = pair.sum { error in
      // Written so that a value that is not a number is kept instead of passed over.
      if !(abs(error) <= largest) { largest = largest.isNaN ? largest : abs(error) }
      return 0
    }
    include(largest)
  }

  package mutating func merge(_ other: MaxError) { include(other.value) }

  private var hasSeen = false
  private mutating func include(_ candidate: Double) {
    value = hasSeen ? (candidate.isNaN || value.isNaN ? .nan : max(value, candidate)) : candidate
    hasSeen = true
  }
}
