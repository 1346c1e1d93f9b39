internal import Recipes
internal import Tasks

/// First arm minus second arm on the same test units, for one seed and one metric.
struct PairedDifference: Equatable {
  let first: String
  let second: String
  let seed: Int
  let metric: String
  let mean: Double
  let interval: ConfidenceInterval?
  /// Chance of such a difference, were both arms alike; nil where no test fits the metric.
  let chance: Double?
  /// The second arm's value, which says how large a difference is.
  let reference: Double
  let lowerIsBetter: Bool
  let units: Int

  enum Verdict: Equatable { case firstIsBetter, secondIsBetter, undecided }

  /// Decided only where the interval excludes zero.
  var verdict: Verdict {
    guard let interval, !interval.contains(0) else { return .undecided }
    return (mean < 0) == lowerIsBetter ? .firstIsBetter : .secondIsBetter
  }

  /// The whole interval lies within this share of the second arm's value.
  func isWithin(_ share: Double) -> Bool {
    guard let interval else { return false }
    return max(abs(interval.lower), abs(interval.upper)) <= share * abs(reference)
  }

  /// All pairs of arms, on each seed that both have and each metric.
  static func all(
    of arms: [Comparison.Arm], metrics: [String], seeds: [Int]
  ) -> [PairedDifference] {
    metrics.flatMap { metric in
      arms.indices.flatMap { index in
        arms[(index + 1)...].flatMap { second in
          seeds.compactMap { seed in Self(metric, arms[index], second, seed: seed) }
        }
      }
    }
  }

  /// Nil where the arms do not both hold values of the metric for the same units.
  private init?(
    _ metric: String, _ first: Comparison.Arm, _ second: Comparison.Arm, seed: Int
  ) {
    guard let one = first.run(seed: seed), let other = second.run(seed: seed),
      let values = Self.values(of: metric, one.evaluation),
      let others = Self.values(of: metric, other.evaluation),
      let reported = other.evaluation.metric(metric), Set(values.keys) == Set(others.keys)
    else { return nil }
    let units = values.keys.sorted()
    let bootstrap = Bootstrap(
      resamples: one.document.settings["eval.bootstrap"].flatMap(Int.init).flatMap {
        $0 > 0 ? $0 : nil
      } ?? 1000, seed: UInt64(bitPattern: Int64(seed)))
    let (ours, theirs) = (units.compactMap { values[$0] }, units.compactMap { others[$0] })
    let pooled = Self.pooled(metric, one.evaluation, other.evaluation, units, bootstrap)
    let difference = pooled ?? bootstrap.difference(ours, theirs)
    chance =
      pooled == nil || Self.isShareOfRight(metric, ours + theirs)
      ? Self.chance(ours, theirs, seed: bootstrap.seed) : nil
    self.first = first.name
    self.second = second.name
    self.seed = seed
    self.metric = metric
    mean = difference.mean
    interval = difference.interval
    reference = reported.value
    lowerIsBetter = reported.lowerIsBetter
    self.units = units.count
  }

  /// Whether every unit is one sample that is right or wrong.
  private static func isShareOfRight(_ metric: String, _ values: [Double]) -> Bool {
    [AccuracyMicro.name, OverallAccuracy.name].contains(metric)
      && values.allSatisfy { $0 == 0 || $0 == 1 }
  }

  /// McNemar's test for units that are right or wrong, else sign flips of the differences.
  private static func chance(_ first: [Double], _ second: [Double], seed: UInt64) -> Double? {
    guard (first + second).allSatisfy({ $0 == 0 || $0 == 1 }) else {
      return PairedTest.signFlip(first, second, seed: seed)
    }
    return PairedTest.mcNemar(
      firstIsRight: first.map { $0 == 1 }, secondIsRight: second.map { $0 == 1 })
  }

  /// The difference of the figures over all units, for metrics that are no mean over units; nil where
  /// the records do not hold the decisions.
  private static func pooled(
    _ name: String, _ first: RunRecord.Evaluation, _ second: RunRecord.Evaluation,
    _ units: [String], _ bootstrap: Bootstrap
  ) -> (mean: Double, interval: ConfidenceInterval?)? {
    guard let metric = (try? Metrics.named(name)) as? any ConfusionMetric.Type,
      first.classNames == second.classNames, let one = first.decisions(of: units),
      let other = second.decisions(of: units)
    else { return nil }
    let difference = one.difference(of: metric, from: other, bootstrap)
    return (difference.value, difference.interval)
  }

  private static func values(
    of metric: String, _ evaluation: RunRecord.Evaluation
  ) -> [String: Double]? {
    guard let values = evaluation.perUnit[metric], !values.isEmpty,
      values.count == evaluation.unitIdentifiers.count
    else { return nil }
    return Dictionary(
      zip(evaluation.unitIdentifiers, values), uniquingKeysWith: { first, _ in first })
  }
}

extension RunRecord.Evaluation {
  /// Decisions of some units, in their order; nil where the record has none.
  fileprivate func decisions(of units: [String]) -> UnitDecisions? {
    guard let rows = unitDecisions, let classNames, rows.count == unitIdentifiers.count else {
      return nil
    }
    let byUnit = Dictionary(zip(unitIdentifiers, rows), uniquingKeysWith: { first, _ in first })
    return UnitDecisions(classes: classNames.count, rows: units.compactMap { byUnit[$0] })
  }
}
