/// How far the spatial mean of each field drifts from the truth's: zero when mass is conserved.
package struct ConservedError: FieldMetric, ScalarMetric {
  package static let name = "conserved"
  package static let lowerIsBetter = true
  package static let unit = MetricUnit.data
  package static let formula =
    "per trajectory √(mean (p̄ − ȳ)²), p̄ and ȳ the means over space of one component of one field "
    + "in one frame, the mean over frames, fields and components; then the mean over trajectories"

  private var mean = RunningMean()
  package init() {}

  package mutating func add(prediction: Trajectory, truth: Trajectory) {
    var drifts = RunningMean()
    TrajectoryPair(prediction, truth).forEachSlice { p, y in
      var difference = 0.0
      for index in 0..<y.count { difference += Double(p[index]) - Double(y[index]) }
      difference /= Double(y.count)
      drifts.add(difference * difference)
    }
    mean.add(drifts.value.squareRoot())
  }

  package mutating func merge(_ other: ConservedError) { mean.merge(other.mean) }
  package var value: Double { mean.value }
}
