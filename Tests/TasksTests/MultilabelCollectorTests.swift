import Recipes
import Tasks
import Tensors
import Testing

private let names = ["cloud", "snow", "smoke", "never"]
private let all = Metrics.all.compactMap { metric -> (any ClassMetric.Type)? in
  MultilabelCollector.takes(metric) ? metric as? any ClassMetric.Type : nil
}

/// Units of random samples without the last label, the same in every run.
private func units(_ count: Int) -> [MultilabelUnit] {
  let maker = MultilabelCollector(all, labelNames: names)
  return (0..<count).map { number in
    var random = Philox(seed: 13, purpose: .data, step: number, index: 0)
    var unit = maker.makeUnit()
    for _ in 0..<(1 + random.below(3)) {
      let scores = names.indices.map { Float(random.below($0 == 3 ? 5 : 10)) / 10 }
      unit.add(
        truth: scores.indices.map { $0 < 3 && random.uniform() < Double(scores[$0]) },
        probabilities: scores)
    }
    return unit
  }
}

@Suite struct MultilabelCollectorTests {
  @Test("shards of any kind and order give the same bits")
  func shards() {
    let bootstrap = Bootstrap(resamples: 40, seed: 2)
    let units = units(50)
    var whole = MultilabelCollector(all, labelNames: names)
    for unit in units { whole.add(unit) }
    func text(_ collector: MultilabelCollector) -> [String] {
      collector.results(bootstrap: bootstrap).map { "\($0)" }
    }
    for shards in [2, 7] {
      var parts = (0..<shards).map { _ in MultilabelCollector(all, labelNames: names) }
      for (number, unit) in units.enumerated().reversed() {
        parts[number % shards].add(unit, number: number)
      }
      var merged = MultilabelCollector(all, labelNames: names)
      for part in parts { merged.merge(part) }
      #expect(text(merged) == text(whole))
    }
    #expect(whole.confusion == nil)
  }

  @Test("a label that is neither true nor predicted is left out of means")
  func emptyLabel() throws {
    var collector = MultilabelCollector(all, labelNames: names)
    for unit in units(30) { collector.add(unit) }
    let records = collector.results(bootstrap: Bootstrap(resamples: 5))
    func value(_ name: String) throws -> Double {
      try #require(records.first { $0.name == name }, "\(name)").value
    }
    for (mean, base) in [
      ("F1_Macro", "F1"), ("Recall_Macro", "Recall"), ("mAP_Macro", "AP"), ("AUROC_Macro", "AUROC"),
      ("mIoU", "IoU"),
    ] {
      let seen = try ["cloud", "snow", "smoke"].map { try value("\(base)_\($0)") }
      #expect(try value("\(base)_never").isNaN, "\(base)")
      #expect(abs(try value(mean) - seen.reduce(0, +) / 3) < 1e-15, "\(mean)")
    }
  }

  @Test("one half is not enough to be predicted")
  func threshold() throws {
    var collector = MultilabelCollector([RecallMicro.self], labelNames: ["a", "b"])
    var unit = collector.makeUnit()
    unit.add(truth: [true, true], probabilities: [0.5, 0.51])
    collector.add(unit)
    #expect(collector.results(bootstrap: Bootstrap(resamples: 1))[0].value == 0.5)
  }

  @Test("a probability that is not a number leaves no metric a number")
  func notANumber() throws {
    var collector = MultilabelCollector(all, labelNames: names)
    for unit in units(5) { collector.add(unit) }
    var unit = collector.makeUnit()
    unit.add(truth: [true, false, false, false], probabilities: [0.2, 0.3, .nan, 0.1])
    collector.add(unit)
    let records = collector.results(bootstrap: Bootstrap(resamples: 20))
    for metric in all {
      let record = try #require(records.first { $0.name == metric.name })
      #expect(record.value.isNaN && record.ciLower == nil, "\(metric.name)")
    }
  }

  @Test("the two averages of Brier's score differ by what they divide by")
  func brier() {
    var labels = MultilabelCollector([Brier.self], labelNames: ["a", "b"])
    var unit = labels.makeUnit()
    unit.add(truth: [true, false], probabilities: [0.5, 0.5])
    labels.add(unit)
    #expect(labels.results(bootstrap: Bootstrap(resamples: 1))[0].value == 0.25)
  }
}
