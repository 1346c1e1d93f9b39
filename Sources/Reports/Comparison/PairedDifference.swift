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
    let difference = bootstrap.difference(
      units.compactMap { values[$0] }, units.compactMap { others[$0] })
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
