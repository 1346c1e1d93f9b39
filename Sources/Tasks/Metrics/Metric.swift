/// An accumulator of one figure of merit; its value does not depend on how the units were sharded.
///
/// One accumulator that has seen one unit (trajectory, image, scene) holds that unit's value; merged
/// over all units it holds the figure for the whole set. Bootstrap intervals merge a resample.
package protocol Metric: Sendable {
  /// Name in recipes, in the files of a run and in the report.
  static var name: String { get }
  /// Names of `values`, in order; the name itself for a metric of one number.
  static var outputs: [String] { get }
  static var lowerIsBetter: Bool { get }
  static var unit: MetricUnit { get }
  /// Definition in words and symbols, as the report prints it (p prediction, y truth).
  static var formula: String { get }
  /// Whether resampling units estimates the spread: not so for a maximum.
  static var hasInterval: Bool { get }

  /// Nothing seen yet; the values are not numbers.
  init()
  mutating func merge(_ other: Self)
  /// One number for each of `outputs`.
  var values: [Double] { get }
}

/// A metric over physical fields or images.
package protocol FieldMetric: Metric {
  /// Adds one unit.
  mutating func add(prediction: Trajectory, truth: Trajectory)
}

/// A metric of one number.
package protocol ScalarMetric: Metric {
  var value: Double { get }
}

extension Metric {
  package static var hasInterval: Bool { true }
}

extension ScalarMetric {
  package static var outputs: [String] { [name] }
  package var values: [Double] { [value] }
}

/// What a metric is measured in.
package enum MetricUnit: Sendable, Equatable {
  case dimensionless
  /// The unit of the data it compares.
  case data
  case squaredData
  case decibels

  /// Text for the report, given the unit of the data.
  package func text(dataUnit: String) -> String {
    switch self {
    case .dimensionless: ""
    case .data: dataUnit
    case .squaredData: dataUnit.isEmpty ? "" : "(\(dataUnit))²"
    case .decibels: "dB"
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
