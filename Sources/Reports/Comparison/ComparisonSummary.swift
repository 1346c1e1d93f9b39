internal import Recipes
package import Tasks

/// The numbers of a comparison, for printing and for other programs.
package struct ComparisonSummary: Codable, Sendable, Equatable {
  /// Headline metric of the first pool, and its form over rollouts where there is one.
  package var metrics: [String]
  /// Ranked arms first, best first; then experimental ones, unranked.
  package var arms: [Arm]
  /// The trivial baseline on the test data of the first pool's arms.
  package var baseline: Baseline?

  package struct Baseline: Codable, Sendable, Equatable {
    /// What it does, as `last state`.
    package var name: String
    package var seeds: [[Value]]
  }

  package struct Arm: Codable, Sendable, Equatable {
    package var name: String
    /// 1 for the best by the headline metric among arms tested on the same data; nil for
    /// experimental arms.
    package var rank: Int?
    /// Arms of different pools were tested differently and have ranks of their own.
    package var pool: Int?
    package var trainableParameters: Int
    package var totalParameters: Int
    /// Mean over seeds of the time of the training steps.
    package var trainSeconds: Double
    /// Largest over seeds.
    package var peakMemoryBytes: Int
    package var adapterFileBytes: Int
    package var seeds: [SeedResult]
  }

  /// What one seed's chosen run reached on the test data.
  package struct SeedResult: Codable, Sendable, Equatable {
    package var seed: Int
    package var digest: String
    package var directory: String
    /// Settings in which the chosen run differs from those it was chosen from.
    package var settings: [String: String]
    package var values: [Value]
  }

  package struct Value: Codable, Sendable, Equatable {
    package var metric: String
    package var mean: Double
    package var interval: ConfidenceInterval?
  }

  init(_ comparison: Comparison) {
    metrics = comparison.pools.first?.metrics ?? []
    let ranked = comparison.pools.enumerated().flatMap { index, pool in
      Ranking.ordered(pool).enumerated().map { place, arm in
        Arm(arm, metrics: pool.metrics, rank: place + 1, pool: index + 1)
      }
    }
    let experimental = comparison.arms.filter(\.isExperimental).map { arm in
      Arm(arm, metrics: arm.runs[0].evaluation.leadingMetrics, rank: nil, pool: nil)
    }
    arms = ranked + experimental
    if let pool = comparison.pools.first, let arm = pool.arms.first {
      baseline = Baseline(
        name: arm.runs[0].evaluation.baselineName,
        seeds: arm.runs.map { run in
          pool.metrics.compactMap { name in
            run.evaluation.baselineMetric(name).map { Value(name, $0) }
          }
        })
    }
  }
}

extension ComparisonSummary.Value {
  fileprivate init(_ name: String, _ metric: RunRecord.Metric) {
    var interval: ConfidenceInterval?
    if let lower = metric.ciLower, let upper = metric.ciUpper {
      interval = ConfidenceInterval(lower: lower, upper: upper)
    }
    self.init(metric: name, mean: metric.value, interval: interval)
  }

  /// One metric over seeds: with its interval for one seed, else mean ± standard deviation.
  fileprivate static func text(_ values: [Self], withInterval: Bool) -> String {
    if values.count == 1, withInterval {
      return Numbers.estimate(values[0].mean, values[0].interval?.lower, values[0].interval?.upper)
    }
    return values.isEmpty ? "" : Numbers.meanAndSpread(values.map(\.mean))
  }
}

extension ComparisonSummary.Baseline {
  func text(of metric: String, withInterval: Bool) -> String {
    ComparisonSummary.Value.text(
      seeds.compactMap { $0.first { $0.metric == metric } }, withInterval: withInterval)
  }
}

extension ComparisonSummary.Arm {
  init(_ arm: Comparison.Arm, metrics: [String], rank: Int?, pool: Int?) {
    let records = arm.runs.map(\.document.record)
    self.init(
      name: arm.name, rank: rank, pool: pool, trainableParameters: arm.trainedParameters,
      totalParameters: records[0].model.totalParameters,
      trainSeconds: Numbers.mean(records.map(\.trainSeconds)),
      peakMemoryBytes: records.map(\.peakMemoryBytes).max() ?? 0,
      adapterFileBytes: records.map(\.adapterBytes).max() ?? 0,
      seeds: arm.runs.map { run in
        ComparisonSummary.SeedResult(
          seed: run.seed, digest: run.document.record.digest, directory: run.document.directory,
          settings: run.differingSettings,
          values: metrics.compactMap { name in
            run.evaluation.metric(name).map { ComparisonSummary.Value(name, $0) }
          })
      })
  }

  /// The metric over seeds: with its interval for one seed, else mean ± standard deviation.
  func text(of metric: String, withInterval: Bool = true) -> String {
    ComparisonSummary.Value.text(
      seeds.compactMap { $0.values.first { $0.metric == metric } }, withInterval: withInterval)
  }
}

extension Comparison.ChosenRun {
  /// Settings in which the candidates differ, with the chosen one's values.
  var differingSettings: [String: String] {
    guard candidates.count > 1, let chosen = candidates.firstIndex(where: \.isChosen) else {
      return [:]
    }
    let differences = RecipeSettings.differences(candidates.map(\.document.settings))
    return Dictionary(
      uniqueKeysWithValues: differences.map { ($0.key, $0.values[chosen]) })
  }
}

/// The order of arms by their headline metric, mean over seeds.
enum Ranking {
  static func ordered(_ pool: Comparison.Pool) -> [Comparison.Arm] {
    let means = pool.arms.map { arm in
      Numbers.mean(arm.runs.compactMap { $0.evaluation.metric(pool.headline)?.value })
    }
    let lowerIsBetter =
      pool.arms[0].runs[0].evaluation.metric(pool.headline)?.lowerIsBetter ?? true
    func badness(_ value: Double) -> Double {
      value.isFinite ? (lowerIsBetter ? value : -value) : .infinity
    }
    return pool.arms.indices.sorted { first, second in
      let (a, b) = (badness(means[first]), badness(means[second]))
      return a == b ? first < second : a < b
    }.map { pool.arms[$0] }
  }
}
