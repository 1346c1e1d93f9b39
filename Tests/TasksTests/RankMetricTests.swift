import Recipes
import Tasks
import Testing

/// The figures of samples with one score for the second of two classes.
private func figures(_ scored: [(score: Float, isTrue: Bool)]) throws -> [String: Double] {
  let metrics: [any ClassMetric.Type] = [
    AUROCMacro.self, MeanAveragePrecisionMacro.self, MeanAveragePrecisionMicro.self,
  ]
  var collector = ClassificationCollector(metrics, classNames: ["no", "yes"])
  for (score, isTrue) in scored {
    var unit = collector.makeUnit()
    try unit.add(truth: isTrue ? 1 : 0, probabilities: [1 - score, score])
    collector.add(unit)
  }
  let records = collector.results(bootstrap: Bootstrap(resamples: 1))
  return Dictionary(uniqueKeysWithValues: records.map { ($0.name, $0.value) })
}

@Suite struct RankMetricTests {
  @Test("pairs in the right order, equal scores counted half")
  func area() throws {
    // Positives 0.75 and 0.5, negatives 0.5 and 0.25: 1 + 1 + 1/2 + 1 of 4 pairs.
    let found = try figures([(0.75, true), (0.5, true), (0.5, false), (0.25, false)])
    #expect(found["AUROC_Macro"] == 3.5 / 4)
    #expect(found["AUROC_no"] == 3.5 / 4, "the other class's order is the same turned round")
  }

  @Test("average precision goes in steps, equal scores in one")
  func averagePrecision() throws {
    let found = try figures([(0.75, true), (0.5, true), (0.5, false), (0.25, false)])
    // Recall 1/2 at precision 1, then 1 at 2/3.
    let yes = 0.5 + 0.5 * 2 / 3
    #expect(abs(try #require(found["AP_yes"]) - yes) < 1e-15)
    #expect(abs(try #require(found["mAP_Macro"]) - yes) < 1e-15, "both classes are alike here")
  }

  @Test("with two classes the positive one's area is the figure")
  func binary() throws {
    let found = try figures([(0.75, true), (0.25, false), (0.5, false)])
    #expect(found["AUROC_Macro"] == found["AUROC_yes"] && found["AUROC_yes"] == 1)
    // Six pairs: 0.75 twice, both true; 0.5 twice, one true; 0.25 twice, none. So recall 2/3 at
    // precision 1, then 1 at 3/4.
    let pooled = try #require(found["mAP_Micro"])
    #expect(abs(pooled - 11.0 / 12) < 1e-15)
  }

  @Test("one class alone has no area, and an average precision of 1")
  func oneClass() throws {
    let found = try figures([(0.9, true), (0.4, true)])
    #expect(found["AUROC_Macro"]?.isNaN == true)
    #expect(found["AP_yes"] == 1 && found["AP_no"]?.isNaN == true && found["mAP_Macro"] == 1)
  }
}
