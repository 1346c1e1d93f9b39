package import Recipes
package import Tensors

/// Decisions and probabilities over K classes, one true per sample: values with intervals, and per
/// unit.
package struct ClassificationCollector: MetricCollector {
  private let metrics: [any ClassMetric.Type]
  private let classNames: [String]
  private var units = UnitList<ClassificationUnit>()

  /// - Parameters:
  ///   - metrics: what to measure: confusion, rank and score metrics.
  ///   - classNames: names of the K classes, in the order of their numbers.
  package init(_ metrics: [any ClassMetric.Type], classNames: [String]) {
    for metric in metrics {
      precondition(Self.takes(metric), "\(metric.name) does not judge classification")
    }
    self.metrics = metrics
    self.classNames = classNames
  }

  /// Whether the metric judges probabilities of classes of which one is true.
  package static func takes(_ metric: any Metric.Type) -> Bool {
    metric is any ConfusionMetric.Type || metric is any RankMetric.Type
      || metric is any ScoreSumMetric.Type
  }

  /// A unit without samples that keeps what the metrics need.
  package func makeUnit() -> ClassificationUnit {
    ClassificationUnit(
      classes: classNames.count, keepsScores: metrics.contains { $0 is any RankMetric.Type },
      scoreMetrics: metrics.compactMap { $0 as? any ScoreSumMetric.Type })
  }

  /// Adds one independent unit, made by `makeUnit`; `number` is its place in the split.
  package mutating func add(_ unit: ClassificationUnit, number: Int? = nil) {
    precondition(
      unit.isMade(by: makeUnit()), "a unit made for other metrics or classes than the collector's")
    units.append(unit, number: number)
  }

  package mutating func merge(_ other: ClassificationCollector) { units.merge(other.units) }

  package func results(bootstrap: Bootstrap) -> [RunRecord.Metric] {
    unitResults.records(bootstrap)
  }

  package var perUnit: [String: [Double]] { unitResults.perUnit }

  package var confusion: ConfusionMatrix? { confusionEvidence(units.ordered).whole }

  package var decisions: [[Int]]? { units.ordered.map(\.decisions.row) }

  package var calibration: [RunRecord.CalibrationBin]? {
    Self.calibration(metrics, units.ordered.map(\.sums))
  }

  private func confusionEvidence(_ units: [ClassificationUnit]) -> ConfusionEvidence {
    ConfusionEvidence(
      metrics.compactMap { $0 as? any ConfusionMetric.Type }, classes: classNames.count,
      units: units.map(\.decisions))
  }

  private var unitResults: UnitResults {
    let units = units.ordered
    return UnitResults(
      families: [
        confusionEvidence(units),
        RankEvidence(
          metrics.compactMap { $0 as? any RankMetric.Type }, classes: classNames.count,
          isSingleLabel: true, units: units.map(\.ranked)),
        SumEvidence(
          metrics.compactMap { $0 as? any ScoreSumMetric.Type }, classes: classNames.count,
          units: units.map(\.sums)),
      ], metrics: metrics, classNames: classNames, units: units.count)
  }
}

/// Samples that stand or fall together when units are resampled: those of an image, a spatial block
/// of pixels, a subject.
package struct ClassificationUnit: Sendable, Portable {
  private let classes: Int
  private let keepsScores: Bool
  private let scoreMetrics: [any ScoreSumMetric.Type]
  private var cells: [Int32] = []
  private var scores = RankedUnit()
  fileprivate private(set) var sums: [[Double]]

  fileprivate init(classes: Int, keepsScores: Bool, scoreMetrics: [any ScoreSumMetric.Type]) {
    self.classes = classes
    self.keepsScores = keepsScores
    self.scoreMetrics = scoreMetrics
    sums = scoreMetrics.map { [Double](repeating: 0, count: $0.sumCount(classes: classes)) }
  }

  package func write(to writer: inout ByteWriter) {
    writer.append(cells)
    scores.write(to: &writer)
    for sums in sums { writer.append(sums) }
  }

  package mutating func read(from reader: inout ByteReader) {
    cells = reader.array()
    scores.read(from: &reader)
    for index in sums.indices { sums[index] = reader.array() }
  }

  /// Adds one sample; the first of the largest probabilities is its decision.
  ///
  /// A sample with a probability that is not a number is undecided: no metric is a number then.
  /// - Parameters:
  ///   - truth: its class, in 0..<K.
  ///   - probabilities: K of them.
  /// - Throws: `TaskError.labelOutsideClasses`.
  package mutating func add(
    truth: Int, probabilities: some Collection<Float>
  ) throws(TaskError) {
    guard (0..<classes).contains(truth) else {
      throw .labelOutsideClasses(label: truth, classes: classes)
    }
    let values = Array(probabilities)
    precondition(values.count == classes, "\(values.count) probabilities of \(classes) classes")
    var best = 0
    for index in values.indices where values[index] > values[best] { best = index }
    let isUndecided = values.contains { $0.isNaN }
    cells.append(isUndecided ? -1 : Int32(truth * classes + best))
    if keepsScores {
      scores.scores += values
      scores.truths += values.indices.map { $0 == truth }
    }
    for (index, metric) in scoreMetrics.enumerated() {
      values.withUnsafeBufferPointer { values in
        guard let base = values.baseAddress else { return }
        withUnsafePointer(to: Int32(truth)) { truth in
          metric.add(
            ScoreBlock(
              truths: UnsafeBufferPointer(start: truth, count: 1), probabilities: base,
              classes: classes, sampleStride: classes, classStride: 1), to: &sums[index])
        }
      }
    }
  }

  fileprivate func isMade(by other: ClassificationUnit) -> Bool {
    classes == other.classes && keepsScores == other.keepsScores
      && scoreMetrics.elementsEqual(other.scoreMetrics) { $0 == $1 }
  }

  fileprivate var ranked: RankedUnit { scores }

  fileprivate var decisions: DecisionCounts { DecisionCounts(cellsOfSamples: cells) }
}
