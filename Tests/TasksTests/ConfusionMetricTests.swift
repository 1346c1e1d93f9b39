import Foundation
import Tasks
import Testing

/// Four classes: the third never true, the fourth neither true nor predicted.
private let matrix = ConfusionMatrix(
  classes: 4,
  counts: [
    5, 2, 1, 0,
    1, 3, 0, 0,
    0, 0, 0, 0,
    0, 0, 0, 0,
  ])

@Suite struct ConfusionMetricTests {
  @Test("figures of a hand-made matrix")
  func handMade() throws {
    #expect(AccuracyMicro.value(of: matrix) == 8.0 / 12)
    #expect(OverallAccuracy.value(of: matrix) == AccuracyMicro.value(of: matrix))
    #expect(AverageAccuracy.value(of: matrix) == (5.0 / 8 + 3.0 / 4) / 2)
    #expect(AccuracyMacro.value(of: matrix) == (5.0 / 8 + 3.0 / 4) / 3)
    #expect(RecallMacro.value(of: matrix) == AccuracyMacro.value(of: matrix))
    #expect(PrecisionMacro.value(of: matrix) == (5.0 / 6 + 3.0 / 5) / 3)
    for pooled in [PrecisionMicro.self, RecallMicro.self, F1Micro.self]
      as [any ClassCountMetric.Type]
    {
      #expect(abs(pooled.value(of: matrix) - 8.0 / 12) < 1e-15, "\(pooled.name)")
    }
    #expect(F1Macro.value(of: matrix) == (10.0 / 14 + 6.0 / 9) / 3)
    #expect(MeanDice.value(of: matrix) == F1Macro.value(of: matrix))
    let iou = try #require(MeanIoU.perClass(matrix))
    #expect(iou.prefix(3) == [5.0 / 9, 3.0 / 6, 0] && iou[3].isNaN)
    #expect(abs(MeanIoU.value(of: matrix) - (5.0 / 9 + 0.5) / 3) < 1e-15)
    // pₒ = 8/12, pₑ = (8 · 6 + 4 · 5) / 144.
    #expect(abs(Kappa.value(of: matrix) - (8.0 / 12 - 68.0 / 144) / (1 - 68.0 / 144)) < 1e-15)
  }

  @Test("chance is not beaten where one class is all there is")
  func kappaOfOneClass() {
    var single = ConfusionMatrix(classes: 2)
    single.add(truth: 1, prediction: 1, count: 7)
    #expect(Kappa.value(of: single).isNaN)
    #expect(AccuracyMicro.value(of: single) == 1)
    #expect(AverageAccuracy.value(of: single) == 1)
  }

  static let confusionMetrics = Metrics.all.compactMap { $0 as? any ConfusionMetric.Type }

  @Test("without samples nothing is a number", arguments: confusionMetrics.map { $0.name })
  func empty(name: String) throws {
    let metric = try #require(try Metrics.named(name) as? any ConfusionMetric.Type)
    #expect(metric.figures(of: ConfusionMatrix(classes: 3)).allSatisfy { $0.isNaN })
  }

  @Test("an undecided sample makes no number", arguments: confusionMetrics.map { $0.name })
  func undecided(name: String) throws {
    let metric = try #require(try Metrics.named(name) as? any ConfusionMetric.Type)
    var some = matrix
    some.addUndecided()
    #expect(metric.figures(of: some).allSatisfy { $0.isNaN })
    #expect(!metric.figures(of: matrix)[0].isNaN)
  }

  @Test("a matrix is counted, merged and stored")
  func matrices() throws {
    var first = ConfusionMatrix(classes: 2)
    first.add(truth: 0, prediction: 1, count: 3)
    var second = ConfusionMatrix(classes: 2)
    second.add(truth: 1, prediction: 1)
    second.addUndecided(count: 2)
    first.merge(second)
    #expect(first == ConfusionMatrix(classes: 2, counts: [0, 3, 0, 1], undecided: 2))
    #expect(first[truth: 0, prediction: 1] == 3 && first.total == 4)
    #expect(first.truthTotals == [3, 1] && first.predictionTotals == [0, 4])
    let stored = try JSONEncoder().encode(first)
    #expect(try JSONDecoder().decode(ConfusionMatrix.self, from: stored) == first)
    for broken in [#"{"counts":[[1,2]],"undecided":0}"#, #"{"counts":[[-1]],"undecided":0}"#] {
      #expect(throws: DecodingError.self) {
        try JSONDecoder().decode(ConfusionMatrix.self, from: Data(broken.utf8))
      }
    }
  }
}
