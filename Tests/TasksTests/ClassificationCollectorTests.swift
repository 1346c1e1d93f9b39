import Recipes
import Tasks
import Tensors
import Testing

private let all = Metrics.all.compactMap { metric -> (any ClassMetric.Type)? in
  ClassificationCollector.takes(metric) ? metric as? any ClassMetric.Type : nil
}
private let names = ["water", "forest", "town"]

/// Units of random samples, some scores equal, the same in every run.
private func units(
  _ count: Int, for metrics: [any ClassMetric.Type] = all
) throws -> [ClassificationUnit] {
  let maker = ClassificationCollector(metrics, classNames: names)
  return try (0..<count).map { number in
    var random = Philox(seed: 11, purpose: .data, step: number, index: 0)
    var unit = maker.makeUnit()
    for _ in 0..<(1 + random.below(6)) {
      let raw = names.indices.map { _ in Float(1 + random.below(9)) }
      let sum = raw.reduce(0, +)
      try unit.add(truth: random.below(3), probabilities: raw.map { $0 / sum })
    }
    return unit
  }
}

@Suite struct ClassificationCollectorTests {
  @Test("shards of any kind and order give the same bits")
  func shards() throws {
    let units = try units(40)
    let bootstrap = Bootstrap(resamples: 60, seed: 3)
    var whole = ClassificationCollector(all, classNames: names)
    for unit in units { whole.add(unit) }
    let expected = whole.results(bootstrap: bootstrap)
    #expect(expected.count == all.reduce(0) { $0 + $1.outputs(classNames: names).count })
    #expect(expected.allSatisfy { !$0.value.isNaN && $0.ciLower != nil && $0.count == 40 })
    for shards in [2, 3, 7] {
      var parts = (0..<shards).map { _ in ClassificationCollector(all, classNames: names) }
      for (number, unit) in units.enumerated().reversed() {
        parts[number % shards].add(unit, number: number)
      }
      var merged = ClassificationCollector(all, classNames: names)
      for part in parts.reversed() { merged.merge(part) }
      #expect(merged.results(bootstrap: bootstrap) == expected, "\(shards) shards")
      #expect(merged.confusion == whole.confusion)
      let series = whole.perUnit
      #expect(Set(merged.perUnit.keys) == Set(series.keys))
      for (name, values) in merged.perUnit {
        let same = zip(values, series[name] ?? []).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
        #expect(same && values.count == 40, "\(name)")
      }
    }
  }

  @Test("resampling weights equal units merged as often as they were drawn")
  func resampling() throws {
    let metrics: [any ClassMetric.Type] = [
      MeanIoU.self, AUROCMacro.self, MeanAveragePrecisionMicro.self, ECE.self,
    ]
    let units = try units(12, for: metrics)
    let bootstrap = Bootstrap(resamples: 9, seed: 5)
    var collector = ClassificationCollector(metrics, classNames: names)
    for unit in units { collector.add(unit) }
    var series: [String: [Double]] = [:]
    for resample in 0..<9 {
      var random = Philox(seed: 5, purpose: .bootstrap, step: resample, index: 0)
      var drawn = ClassificationCollector(metrics, classNames: names)
      for _ in 0..<12 { drawn.add(units[random.below(12)]) }
      for record in drawn.results(bootstrap: Bootstrap(resamples: 1)) {
        series[record.name, default: []].append(record.value)
      }
    }
    for record in collector.results(bootstrap: bootstrap) {
      let expected = try #require(Bootstrap.centralInterval(of: series[record.name] ?? []))
      let (lower, upper) = (try #require(record.ciLower), try #require(record.ciUpper))
      #expect(abs(lower - expected.lower) < 1e-14, "\(record.name)")
      #expect(abs(upper - expected.upper) < 1e-14, "\(record.name)")
    }
  }

  @Test("names figures of classes after them")
  func perClassNames() throws {
    let metrics: [any ClassMetric.Type] = [MeanIoU.self, F1Micro.self]
    var collector = ClassificationCollector(metrics, classNames: names)
    for unit in try units(3, for: metrics) { collector.add(unit) }
    #expect(
      collector.results(bootstrap: Bootstrap(resamples: 2)).map(\.name)
        == ["mIoU", "IoU_water", "IoU_forest", "IoU_town", "F1_Micro"])
    #expect(Set(collector.perUnit.keys) == ["mIoU", "F1_Micro"])
  }

  @Test("a label outside the classes is refused", arguments: [-1, 3])
  func labels(label: Int) throws {
    var unit = ClassificationCollector(all, classNames: names).makeUnit()
    let error = try #require(throws: TaskError.self) {
      try unit.add(truth: label, probabilities: [0.2, 0.3, 0.5])
    }
    #expect(error == .labelOutsideClasses(label: label, classes: 3))
    #expect(error.description.contains("data.target.ignore_index"))
  }

  @Test("a probability that is not a number leaves no metric a number, and no interval")
  func notANumber() throws {
    for position in 0..<3 {
      var collector = ClassificationCollector(all, classNames: names)
      for unit in try units(5) { collector.add(unit) }
      var unit = collector.makeUnit()
      var probabilities: [Float] = [0.2, 0.3, 0.5]
      probabilities[position] = .nan
      try unit.add(truth: 2, probabilities: probabilities)
      collector.add(unit)
      let results = collector.results(bootstrap: Bootstrap(resamples: 20))
      for metric in all {
        let record = try #require(results.first { $0.name == metric.outputs[0] })
        #expect(record.value.isNaN && record.ciLower == nil, "\(metric.name) at \(position)")
      }
      #expect(collector.confusion?.undecided == 1)
    }
  }

  @Test("no unit at all, and one sample, are measured without intervals")
  func few() throws {
    var collector = ClassificationCollector(all, classNames: names)
    let none = collector.results(bootstrap: Bootstrap(resamples: 5))
    #expect(none.allSatisfy { $0.value.isNaN && $0.ciLower == nil && $0.count == 0 })
    #expect(collector.perUnit.isEmpty && collector.confusion?.total == 0)
    var unit = collector.makeUnit()
    try unit.add(truth: 1, probabilities: [0.2, 0.5, 0.3])
    collector.add(unit)
    let one = collector.results(bootstrap: Bootstrap(resamples: 5))
    #expect(one.first { $0.name == "OA" }?.value == 1)
    #expect(one.first { $0.name == "AUROC_Macro" }?.value.isNaN == true)
    #expect(one.allSatisfy { $0.ciLower == nil })
    #expect(collector.perUnit["OA"] == [1] && collector.perUnit["AUROC_Macro"] == nil)
  }
}
