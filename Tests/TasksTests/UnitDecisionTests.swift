import Tasks
import Testing

@Suite("Decisions of units")
struct UnitDecisionTests {
  /// Rows of `[truth, prediction]` counts of two classes.
  private func decisions(_ units: [[Int]]) throws -> UnitDecisions {
    let rows = units.map { counts in
      counts.enumerated().filter { $0.element > 0 }.flatMap { [$0.offset, $0.element] }
    }
    return try #require(UnitDecisions(classes: 2, rows: rows))
  }

  @Test("the difference of a pooled figure is not the mean of the units' differences")
  func pooled() throws {
    let first = try decisions([[9, 1, 0, 0], [0, 0, 5, 5]])
    let second = try decisions([[10, 0, 0, 0], [0, 0, 8, 2]])
    let found = first.difference(of: F1Macro.self, from: second, Bootstrap(resamples: 200))
    let one = F1Macro.value(of: ConfusionMatrix(classes: 2, counts: [9, 1, 5, 5]))
    let two = F1Macro.value(of: ConfusionMatrix(classes: 2, counts: [10, 0, 8, 2]))
    #expect(abs(found.value - (one - two)) < 1e-12)
    #expect(found.interval != nil)
  }

  @Test("equal decisions differ by nothing, certainly")
  func equal() throws {
    let units = try decisions([[3, 1, 0, 2], [1, 1, 1, 1], [0, 2, 2, 0]])
    let found = units.difference(of: MeanIoU.self, from: units, Bootstrap(resamples: 100))
    #expect(found.value == 0 && found.interval == ConfidenceInterval(lower: 0, upper: 0))
  }

  @Test("samples without a prediction leave no figure")
  func undecided() throws {
    let units = try #require(UnitDecisions(classes: 2, rows: [[0, 3, -1, 1], [3, 2]]))
    #expect(units.whole.undecided == 1)
    let found = units.difference(of: AccuracyMicro.self, from: units, Bootstrap(resamples: 10))
    #expect(found.value.isNaN)
  }

  @Test("rows that are no lists of cells are refused")
  func malformed() {
    for rows in [[[0]], [[4, 1]], [[-2, 1]], [[0, -1]]] {
      #expect(UnitDecisions(classes: 2, rows: rows) == nil)
    }
  }

  @Test("pixels that come in blocks widen the intervals of areas")
  func areas() throws {
    // Twenty blocks of 100 pixels of map class 0, right or wrong as a whole; class 1 is always right.
    let blocks = (0..<20).map { $0 % 4 == 0 ? [0, 0, 100, 100] : [100, 0, 0, 100] }
    let units = try decisions(blocks)
    let pixels = [5000, 5000]
    let bootstrap = Bootstrap(resamples: 400)
    let wide = AreaEstimates.intervals(
      over: units, mappedPixels: pixels, pixelArea: 1, bootstrap)
    let independent = try AreaEstimates(
      units.whole, mappedPixels: pixels, pixelArea: 1, unit: "pixels", classNames: ["a", "b"])
    let interval = try #require(wide[0])
    #expect(interval.contains(independent.classes[0].area.value))
    #expect(interval.upper - interval.lower > 5 * independent.classes[0].area.halfWidth)
    // Of two units, half of the resamples lack a class of the map, and no interval is given.
    let few = try decisions([[100, 0, 0, 0], [0, 0, 0, 100]])
    let none = AreaEstimates.intervals(over: few, mappedPixels: pixels, pixelArea: 1, bootstrap)
    #expect(none.allSatisfy { $0 == nil })
  }
}
