/// The description of one figure of merit; what it is computed from is said by its refinements.
///
/// Fields and images are measured by `FieldMetric`, decisions over classes by `ConfusionMetric`,
/// the order of scores by `RankMetric`, and what adds up sample by sample or map by map by
/// `ScoreSumMetric` and `MapSumMetric`. No value depends on batches, threads or shards.
package protocol Metric: Sendable {
  /// Name in recipes, in the files of a run and in the report.
  static var name: String { get }
  /// Names of the numbers it gives for any data; figures by class come besides (`ClassMetric`).
  static var outputs: [String] { get }
  static var lowerIsBetter: Bool { get }
  static var unit: MetricUnit { get }
  /// Definition in words and symbols, as the report prints it (p prediction, y truth).
  static var formula: String { get }
  /// Whether resampling units estimates the spread: not so for a maximum.
  static var hasInterval: Bool { get }
  /// Whether the smaller or the larger of two values is better: not so for a signed bias, whose
  /// best value is zero and which no recipe may monitor.
  static var isOrdered: Bool { get }
}

extension Metric {
  package static var outputs: [String] { [name] }
  package static var hasInterval: Bool { true }
  package static var isOrdered: Bool { true }
}

/// A metric that is its own accumulator.
///
/// One accumulator that has seen one unit (trajectory, image, scene) holds that unit's value; merged
/// over all units it holds the figure for the whole set.
package protocol AccumulatingMetric: Metric {
  /// Nothing seen yet; the values are not numbers.
  init()
  mutating func merge(_ other: Self)
  /// One number for each of `outputs`.
  var values: [Double] { get }
}

/// A metric over physical fields, images, or the valid values of a regression.
package protocol FieldMetric: AccumulatingMetric {
  /// Adds one unit.
  mutating func add(prediction: Trajectory, truth: Trajectory)
}

/// An accumulating metric of one number.
package protocol ScalarMetric: AccumulatingMetric {
  var value: Double { get }
}

extension ScalarMetric {
  package var values: [Double] { [value] }
}

/// What a metric is measured in.
package enum MetricUnit: Sendable, Equatable {
  case dimensionless
  /// The unit of the data it compares.
  case data
  case squaredData
  case decibels
  case pixels

  /// Text for the report, given the unit of the data.
  package func text(dataUnit: String) -> String {
    switch self {
    case .dimensionless: ""
    case .data: dataUnit
    case .squaredData: dataUnit.isEmpty ? "" : "(\(dataUnit))²"
    case .decibels: "dB"
    case .pixels: "pixels"
    }
  }
}

/// Sum and count: a mean that can be merged.
struct RunningMean: Sendable {
  private var sum = 0.0
  private var count = 0

  mutating func add(_ value: Double) { add(sum: value, count: 1) }

  mutating func add(sum: Double, count: Int) {
    self.sum += sum
    self.count += count
  }

  mutating func merge(_ other: RunningMean) { add(sum: other.sum, count: other.count) }

  /// Not a number when nothing was added.
  var value: Double { sum / Double(count) }
}
