/// A metric over K classes: one number for all of them and, where it has them, one for each.
package protocol ClassMetric: Metric {
  /// What the figure of one class is called before its name, as `IoU` in `IoU_water`; nil where
  /// classes have no figure of their own.
  static var perClassName: String? { get }
}

extension ClassMetric {
  package static var perClassName: String? { nil }
  package static var lowerIsBetter: Bool { false }
  package static var unit: MetricUnit { .dimensionless }

  /// Names of all its numbers: `outputs`, then one for each class where it has them.
  package static func outputs(classNames: [String]) -> [String] {
    outputs + (perClassName.map { base in classNames.map { "\(base)_\($0)" } } ?? [])
  }
}

/// A metric of hard decisions for one class per sample, from their counts alone.
package protocol ConfusionMetric: ClassMetric {
  /// The figure of all classes; not a number where there is no sample, or where the formula says so.
  static func value(of matrix: ConfusionMatrix) -> Double
  /// One figure per class where the metric has them; not a number for a class without evidence.
  static func perClass(_ matrix: ConfusionMatrix) -> [Double]?
}

extension ConfusionMetric {
  package static func perClass(_ matrix: ConfusionMatrix) -> [Double]? { nil }

  /// One number for each of `outputs(classNames:)`; none is a number where a prediction was none.
  package static func figures(of matrix: ConfusionMatrix) -> [Double] {
    let figures = [value(of: matrix)] + (perClass(matrix) ?? [])
    return matrix.undecided == 0 ? figures : figures.map { _ in .nan }
  }
}

/// A metric that needs only how often each class is true, predicted, and both.
///
/// It judges single-label decisions and, label by label, multilabel ones.
package protocol ClassCountMetric: ConfusionMetric {
  static func value(of counts: ClassCounts) -> Double
  static func perClass(_ counts: ClassCounts) -> [Double]?
}

extension ClassCountMetric {
  package static func value(of matrix: ConfusionMatrix) -> Double { value(of: matrix.classCounts) }
  package static func perClass(_ matrix: ConfusionMatrix) -> [Double]? {
    perClass(matrix.classCounts)
  }
  package static func perClass(_ counts: ClassCounts) -> [Double]? { nil }
}

/// How often each class is true, predicted, and both; arrays `[class]`.
package struct ClassCounts: Sendable, Equatable {
  package let truePositives: [Int]
  package let actual: [Int]
  package let predicted: [Int]

  package init(truePositives: [Int], actual: [Int], predicted: [Int]) {
    precondition(
      truePositives.count == actual.count && actual.count == predicted.count,
      "counts of \(truePositives.count), \(actual.count) and \(predicted.count) classes")
    self.truePositives = truePositives
    self.actual = actual
    self.predicted = predicted
  }

  /// A figure for each class that is true or predicted at least once; not a number for the others.
  func eachSeenClass(
    _ figure: (_ both: Double, _ actual: Double, _ predicted: Double) -> Double
  ) -> [Double] {
    truePositives.indices.map { index in
      actual[index] + predicted[index] == 0
        ? .nan
        : figure(Double(truePositives[index]), Double(actual[index]), Double(predicted[index]))
    }
  }

  /// The counts of all classes added up, as those of one class.
  var pooled: ClassCounts {
    ClassCounts(
      truePositives: [truePositives.reduce(0, +)], actual: [actual.reduce(0, +)],
      predicted: [predicted.reduce(0, +)])
  }
}

/// Mean over the classes that have a figure; not a number where none has.
func meanOfDefined(_ figures: [Double]) -> Double {
  let defined = figures.filter { !$0.isNaN }
  return defined.reduce(0, +) / Double(defined.count)
}
