internal import Tensors

/// Scores of samples by classes, sorted once; each unit counts as often as it is drawn.
struct RankEvidence: UnitEvidence {
  let rankMetrics: [any RankMetric.Type]
  private let classes: Int
  /// Whether exactly one class is true of each sample, and there are two.
  private let isBinary: Bool
  private let units: [RankedUnit]
  /// One class against the rest, `[class]`; empty where no metric asks for it.
  private let byClass: [Ranking]
  private let pooled: Ranking?

  init(
    _ metrics: [any RankMetric.Type], classes: Int, isSingleLabel: Bool, units: [RankedUnit]
  ) {
    rankMetrics = metrics
    self.classes = classes
    self.units = units
    isBinary = isSingleLabel && classes == 2
    byClass =
      metrics.contains { $0.averaging != .micro }
      ? (0..<classes).map { Ranking(units, classes: classes, only: $0) } : []
    pooled = metrics.contains { $0.averaging == .micro } ? Ranking(units, classes: classes) : nil
  }

  var metrics: [any ClassMetric.Type] { rankMetrics }

  func figures(weights: [Int32]) -> [Double] {
    var perClass = [[Double]](repeating: [], count: rankMetrics.count)
    for ranking in byClass {
      let weighted = WeightedRanking(ranking, weights: weights)
      for (index, metric) in rankMetrics.enumerated() where metric.averaging != .micro {
        perClass[index].append(ranking.hasUndecided ? .nan : metric.value(of: weighted))
      }
    }
    let weightedPool = pooled.map { WeightedRanking($0, weights: weights) }
    return zip(rankMetrics, perClass).flatMap { metric, perClass in
      if metric.averaging == .micro {
        guard let pooled, let weightedPool, !pooled.hasUndecided else { return [Double.nan] }
        return [metric.value(of: weightedPool)]
      }
      return [overall(perClass, metric)] + (metric.perClassName == nil ? [] : perClass)
    }
  }

  /// The mean of what is defined; a score that is not a number makes the mean none.
  private func overall(_ perClass: [Double], _ metric: any RankMetric.Type) -> Double {
    if byClass.contains(where: \.hasUndecided) { return .nan }
    return metric.averaging == .macroOrPositive && isBinary ? perClass[1] : meanOfDefined(perClass)
  }

  func figures(unit: Int) -> [Double] {
    RankEvidence(rankMetrics, classes: classes, isSingleLabel: isBinary, units: [units[unit]])
      .figures(weights: [1])
  }
}

/// Scores of the samples of one unit, and what is true of them.
struct RankedUnit: Sendable, Portable {
  /// `[sample, class]`.
  var scores: [Float] = []
  /// `[sample, class]`.
  var truths: [Bool] = []

  func write(to writer: inout ByteWriter) {
    writer.append(scores)
    writer.append(truths.map { $0 ? UInt8(1) : 0 })
  }

  mutating func read(from reader: inout ByteReader) {
    scores = reader.array()
    truths = reader.array(of: UInt8.self).map { $0 == 1 }
  }
}
