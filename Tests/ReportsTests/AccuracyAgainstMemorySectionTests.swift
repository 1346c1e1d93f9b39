import Recipes
import Reports
import Testing

@Suite struct AccuracyAgainstMemorySectionTests {
  /// Arms with their score (lower is better) and memory in MiB.
  private func comparison(_ arms: [(name: String, score: Double, mebibytes: Int)]) throws -> Figure
  {
    let runs = arms.map { arm in
      var run = SyntheticRuns.run {
        ($0.name, $0.score, $0.rolloutScore) = (arm.name, arm.score, nil)
      }
      run.record.peakMemoryBytes = arm.mebibytes << 20
      return run
    }
    let figures = try Report(comparing: runs).section("Accuracy against memory").figures
    #expect(figures.map(\.name) == ["memory-1-VRMSE"])
    return try #require(figures.first)
  }

  @Test("the front holds the arms that no other one beats in both")
  func front() throws {
    let figure = try comparison([
      ("cheap", 0.05, 100), ("good", 0.01, 400), ("middle", 0.03, 200), ("beaten", 0.04, 300),
    ])
    #expect(
      figure.alternative.hasSuffix("no other arm is better and cheaper than cheap, middle, good"))
    #expect(figure.alternative.contains("beaten 0.0400 with 300 MiB"))
    #expect(figure.svg.contains(">Pareto front</text>"))
    #expect(figure.svg.contains(">peak memory (MiB)</text>"))
  }

  @Test("one arm that beats all is named without a line")
  func dominant() throws {
    let figure = try comparison([("best", 0.01, 100), ("worse", 0.02, 200)])
    #expect(figure.alternative.hasSuffix("better and cheaper than best"))
    #expect(!figure.svg.contains(">Pareto front</text>"))
  }

  @Test("equal arms stay on the front together")
  func equal() throws {
    let figure = try comparison([("one", 0.01, 100), ("two", 0.01, 100), ("worse", 0.02, 100)])
    #expect(
      figure.alternative.contains("than one, two") || figure.alternative.contains("than two, one"))
  }
}
