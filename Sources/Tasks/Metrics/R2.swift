/// Coefficient of determination over the whole set.
package struct R2: FieldMetric, ScalarMetric {
  package static let name = "R2"
  package static let lowerIsBetter = false
  package static let unit = MetricUnit.dimensionless
  package static let formula =
    "1 − Σ (p − y)² / Σ (y − ȳ)² over all values of the set together, ȳ their mean; not a number where "
    + "the truth is constant"

  private var squaredError = 0.0
  private var count = 0.0
  private var mean = 0.0
  /// Σ (y − ȳ)² about the mean so far.
  private var squaredDistance = 0.0

  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    guard !truth.values.isEmpty else { return }
    var unit = R2()
    unit.squaredError = TrajectoryPair(prediction, truth).squaredError
    unit.count = Double(truth.values.count)
    unit.mean = truth.mean
    unit.squaredDistance = truth.variance * unit.count
    merge(unit)
  }

  /// Moments of two sets together (Chan, Golub and LeVeque 1979).
  package mutating func merge(_ other: R2) {
    guard other.count > 0 else { return }
    let total = count + other.count
    let gap = other.mean - mean
    squaredError += other.squaredError
    squaredDistance += other.squaredDistance + gap * gap * count * other.count / total
    mean += gap * other.count / total
    count = total
  }

  package var value: Double {
    squaredDistance == 0 ? .nan : 1 - squaredError / squaredDistance
  }
}
