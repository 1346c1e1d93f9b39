import Tensors

/// A range that holds the central 95 % of what resampling gives.
package struct ConfidenceInterval: Codable, Sendable, Equatable {
  package var lower: Double
  package var upper: Double

  package init(lower: Double, upper: Double) {
    self.lower = lower
    self.upper = upper
  }

  package func contains(_ value: Double) -> Bool { lower <= value && value <= upper }
}

/// Percentile bootstrap over independent units: 2.5 to 97.5 % of the resampled statistic
/// (Efron 1979).
///
/// Units are drawn with replacement by a counter-based generator keyed by the seed, so an interval
/// depends on nothing but the values, `resamples` and `seed`. Two statistics over equally many units
/// see the same draws. Fewer than two units, and values that are not numbers, give no interval.
package struct Bootstrap: Sendable, Equatable {
  package var resamples: Int
  package var seed: UInt64

  package init(resamples: Int = 1000, seed: UInt64 = 0) {
    precondition(resamples > 0, "a bootstrap of \(resamples) resamples")
    self.resamples = resamples
    self.seed = seed
  }

  /// Interval of the mean of one value per unit.
  package func interval(ofMean values: [Double]) -> ConfidenceInterval? {
    guard values.count > 1 else { return nil }
    let means = (0..<resamples).map { resample in
      draw(resample, from: values.count).reduce(0.0) { $0 + values[$1] } / Double(values.count)
    }
    return Self.centralInterval(of: means)
  }

  /// Mean and interval of first − second, unit by unit over the same units.
  package func difference(
    _ first: [Double], _ second: [Double]
  ) -> (mean: Double, interval: ConfidenceInterval?) {
    precondition(
      first.count == second.count && !first.isEmpty,
      "paired difference of \(first.count) and \(second.count) values")
    let differences = zip(first, second).map { $0 - $1 }
    return (
      differences.reduce(0, +) / Double(differences.count), interval(ofMean: differences)
    )
  }

  /// Interval of each output of a metric, from accumulators that saw one unit each.
  package func intervals<M: AccumulatingMetric>(of units: [M]) -> [ConfidenceInterval?] {
    intervals(units: units.count, outputs: M.outputs.count) { draws in
      var whole = M()
      for unit in draws { whole.merge(units[unit]) }
      return whole.values
    }
  }

  /// Intervals of several numbers at once, each resample drawn once for all of them.
  ///
  /// - Parameters:
  ///   - count: independent units.
  ///   - outputs: how many numbers the statistic gives.
  ///   - statistic: the numbers of a resample, from as many unit numbers as there are units.
  /// - Returns: nil where a number has no interval.
  func intervals(
    units count: Int, outputs: Int, of statistic: (_ draws: [Int]) -> [Double]
  ) -> [ConfidenceInterval?] {
    guard count > 1, outputs > 0 else {
      return [ConfidenceInterval?](repeating: nil, count: outputs)
    }
    var series = [[Double]](repeating: [], count: outputs)
    for resample in 0..<resamples {
      for (index, value) in statistic(draw(resample, from: count)).enumerated() {
        series[index].append(value)
      }
    }
    return series.map(Self.centralInterval(of:))
  }

  /// As many unit numbers as there are units, each uniform over them.
  func draw(_ resample: Int, from count: Int) -> [Int] {
    var random = Philox(seed: seed, purpose: .bootstrap, step: resample, index: 0)
    return (0..<count).map { _ in random.below(count) }
  }

  /// Percentiles by linear interpolation between order statistics.
  package static func centralInterval(of values: [Double]) -> ConfidenceInterval? {
    guard values.allSatisfy({ !$0.isNaN }) else { return nil }
    let sorted = values.sorted()
    func quantile(_ share: Double) -> Double {
      let position = share * Double(sorted.count - 1)
      let below = Int(position)
      let above = min(below + 1, sorted.count - 1)
      let weight = position - Double(below)
      return weight == 0 ? sorted[below] : sorted[below] * (1 - weight) + sorted[above] * weight
    }
    return ConfidenceInterval(lower: quantile(0.025), upper: quantile(0.975))
  }
}
