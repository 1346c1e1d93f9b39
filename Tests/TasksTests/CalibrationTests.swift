import Recipes
import Tasks
import Testing

@Suite struct CalibrationTests {
  private let names = ["water", "forest", "town"]

  private func collected(_ samples: [[(truth: Int, probabilities: [Float])]]) throws
    -> ClassificationCollector
  {
    var collector = ClassificationCollector(
      [AccuracyMicro.self, Brier.self, ECE.self], classNames: names)
    for unit in samples {
      var collected = collector.makeUnit()
      for sample in unit {
        try collected.add(truth: sample.truth, probabilities: sample.probabilities)
      }
      collector.add(collected)
    }
    return collector
  }

  @Test("bins add up over units: samples, mean confidence, share of right ones")
  func bins() throws {
    let collector = try collected([
      [(0, [0.5, 0.25, 0.25]), (1, [0.5, 0.25, 0.25])],
      [(2, [0, 0, 1]), (0, [0.515625, 0.25, 0.234375])],
    ])
    let bins = try #require(collector.calibration)
    #expect(bins.count == 15 && bins.map(\.count).reduce(0, +) == 4)
    // 0.5 and 0.515625 lie in the eighth of fifteen bins, 1 in the last.
    #expect(bins[7].count == 3 && bins[14].count == 1)
    #expect(bins[7].accuracy == 2.0 / 3)
    #expect(abs(try #require(bins[7].meanConfidence) - 1.515625 / 3) < 1e-12)
    #expect(bins[14].accuracy == 1 && bins[14].meanConfidence == 1)
    #expect(
      bins[0] == .init(lower: 0, upper: 1.0 / 15, count: 0, meanConfidence: nil, accuracy: nil))
  }

  @Test("ECE is the mean gap of the bins weighted by their samples")
  func gap() throws {
    let collector = try collected([
      [(0, [0.75, 0.125, 0.125]), (1, [0.75, 0.125, 0.125])], [(2, [0.125, 0.25, 0.625])],
    ])
    let bins = try #require(collector.calibration)
    let gap = bins.reduce(0) { sum, bin in
      sum + Double(bin.count) / 3 * abs((bin.accuracy ?? 0) - (bin.meanConfidence ?? 0))
    }
    let reported = try #require(
      collector.results(bootstrap: Bootstrap(resamples: 1)).first { $0.name == "ECE" })
    #expect(abs(gap - reported.value) < 1e-12 && gap > 0.2)
  }

  @Test("a probability that is no number, and metrics without ECE, leave no bins")
  func none() throws {
    #expect(try collected([[(0, [.nan, 0.5, 0.5])]]).calibration == nil)
    #expect(try collected([]).calibration == nil)
    var collector = ClassificationCollector([AccuracyMicro.self], classNames: names)
    var unit = collector.makeUnit()
    try unit.add(truth: 0, probabilities: [1, 0, 0])
    collector.add(unit)
    #expect(collector.calibration == nil)
  }
}
