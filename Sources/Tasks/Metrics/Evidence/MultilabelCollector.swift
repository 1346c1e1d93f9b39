package import Recipes
package import Tensors

/// Probabilities of K labels, each true or not, over samples.
package struct MultilabelCollector: MetricCollector {
  private let metrics: [any ClassMetric.Type]
  private let labelNames: [String]
  private var units = UnitList<MultilabelUnit>()

  /// - Parameters:
  ///   - metrics: what to measure: precision, recall and their like, rank metrics, label sums.
  ///   - labelNames: names of the K labels, in order.
  package init(_ metrics: [any ClassMetric.Type], labelNames: [String]) {
    for metric in metrics {
      precondition(Self.takes(metric), "\(metric.name) does not judge multilabel decisions")
    }
    self.metrics = metrics
    self.labelNames = labelNames
  }

  /// Whether the metric judges probabilities of labels.
  package static func takes(_ metric: any Metric.Type) -> Bool {
    metric is any ClassCountMetric.Type || metric is any RankMetric.Type
      || metric is any LabelSumMetric.Type
  }

  /// A unit without samples that keeps what the metrics need.
  package func makeUnit() -> MultilabelUnit {
    MultilabelUnit(
      labels: labelNames.count, keepsScores: metrics.contains { $0 is any RankMetric.Type },
      sumMetrics: metrics.compactMap { $0 as? any LabelSumMetric.Type })
  }

  /// Adds one independent unit, made by `makeUnit`; `number` is its place in the split.
  package mutating func add(_ unit: MultilabelUnit, number: Int? = nil) {
    precondition(
      unit.isMade(by: makeUnit()), "a unit made for other metrics or labels than the collector's")
    units.append(unit, number: number)
  }

  package mutating func merge(_ other: MultilabelCollector) { units.merge(other.units) }

  package func results(bootstrap: Bootstrap) -> [RunRecord.Metric] {
    unitResults.records(bootstrap)
  }

  package var perUnit: [String: [Double]] { unitResults.perUnit }

  private var unitResults: UnitResults {
    let units = units.ordered
    return UnitResults(
      families: [
        LabelCountEvidence(
          metrics.compactMap { $0 as? any ClassCountMetric.Type }, labels: labelNames.count,
          units: units.map(\.counts)),
        RankEvidence(
          metrics.compactMap { $0 as? any RankMetric.Type }, classes: labelNames.count,
          isSingleLabel: false, units: units.map(\.ranked)),
        SumEvidence(
          metrics.compactMap { $0 as? any LabelSumMetric.Type }, classes: labelNames.count,
          units: units.map(\.sums)),
      ], metrics: metrics, classNames: labelNames, units: units.count)
  }
}

/// Samples that stand or fall together when units are resampled.
package struct MultilabelUnit: Sendable, Portable {
  private let labels: Int
  private let keepsScores: Bool
  private let sumMetrics: [any LabelSumMetric.Type]
  /// For each label: both, true, predicted; then the samples without a decision.
  fileprivate private(set) var counts: [Double]
  fileprivate private(set) var ranked = RankedUnit()
  fileprivate private(set) var sums: [[Double]]

  fileprivate init(labels: Int, keepsScores: Bool, sumMetrics: [any LabelSumMetric.Type]) {
    self.labels = labels
    self.keepsScores = keepsScores
    self.sumMetrics = sumMetrics
    counts = [Double](repeating: 0, count: 3 * labels + 1)
    sums = sumMetrics.map { [Double](repeating: 0, count: $0.sumCount(classes: labels)) }
  }

  package func write(to writer: inout ByteWriter) {
    writer.append(counts)
    ranked.write(to: &writer)
    for sums in sums { writer.append(sums) }
  }

  package mutating func read(from reader: inout ByteReader) {
    counts = reader.array()
    ranked.read(from: &reader)
    for index in sums.indices { sums[index] = reader.array() }
  }

  /// Adds one sample, both arrays `[label]`; a label is predicted above a probability of one half.
  ///
  /// A probability that is not a number leaves the sample undecided: no metric is a number then.
  package mutating func add(truth: [Bool], probabilities: [Float]) {
    precondition(
      truth.count == labels && probabilities.count == labels,
      "\(truth.count) truths and \(probabilities.count) probabilities of \(labels) labels")
    for label in 0..<labels {
      let isPredicted = probabilities[label] > 0.5
      if truth[label] && isPredicted { counts[3 * label] += 1 }
      if truth[label] { counts[3 * label + 1] += 1 }
      if isPredicted { counts[3 * label + 2] += 1 }
    }
    if probabilities.contains(where: \.isNaN) { counts[3 * labels] += 1 }
    if keepsScores {
      ranked.scores += probabilities
      ranked.truths += truth
    }
    for (index, metric) in sumMetrics.enumerated() {
      metric.add(truth: truth, probabilities: probabilities, to: &sums[index])
    }
  }

  fileprivate func isMade(by other: MultilabelUnit) -> Bool {
    labels == other.labels && keepsScores == other.keepsScores
      && sumMetrics.elementsEqual(other.sumMetrics) { $0 == $1 }
  }
}
