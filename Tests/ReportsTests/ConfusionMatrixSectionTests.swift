import Foundation
import Recipes
import Reports
import Testing

@Suite struct ConfusionMatrixSectionTests {
  private let counts = [[[60, 30, 10], [0, 50, 0], [5, 0, 45]]]

  @Test("says how much is right and what is confused most, by shares of the true class")
  func words() throws {
    let figure = try figure(SyntheticRuns.segmentation(scenes: counts))
    #expect(
      figure.alternative
        == "Part test: 78 % of 200 decisions are right; most often, bare taken for cloud (30 %), "
        + "bare taken for water (10 %), water taken for bare (10 %).")
  }

  @Test("cells hold the share of the row; zero is empty")
  func cells() throws {
    let figure = try figure(SyntheticRuns.segmentation(scenes: counts))
    for share in ["60", "30", "10", "90", "100"] {
      #expect(figure.svg.contains(">\(share)</text>"))
    }
    let inCells = figure.svg.components(separatedBy: "style=\"fill:#").count - 1
    #expect(inCells == 6)
  }

  @Test("black stands on light cells and white on dark ones")
  func ink() throws {
    let svg = try figure(SyntheticRuns.segmentation(scenes: counts)).svg
    func ink(_ share: String) throws -> Substring {
      let end = try #require(svg.range(of: ">\(share)</text>"))
      let start = try #require(svg[..<end.lowerBound].range(of: "fill:", options: .backwards))
      return svg[start.upperBound...].prefix(4)
    }
    #expect(try ink("100") == "#fff")
    #expect(try ink("10") == "#000")
  }

  @Test("a row without samples is empty, not a division by zero")
  func emptyRow() throws {
    let figure = try figure(
      SyntheticRuns.segmentation(scenes: [[[4, 0, 0], [0, 0, 0], [0, 0, 4]]]))
    #expect(figure.alternative == "Part test: 100 % of 8 decisions are right.")
    #expect(!figure.svg.contains("nan"))
  }

  @Test("more classes than a drawing can show are left to the table")
  func manyClasses() throws {
    let names = (0..<26).map { "class \($0)" }
    let scene = names.indices.map { row in names.indices.map { $0 == row ? 2 : 0 } }
    let report = Report(SyntheticRuns.segmentation(scenes: [scene], names: names))
    #expect(!report.sections.map(\.title).contains("Confusion matrix"))
  }

  private func figure(_ run: RunDocument) throws -> Figure {
    let figures = try Report(run).section("Confusion matrix").figures
    #expect(figures.map(\.name) == ["confusion-test"])
    return try #require(figures.first)
  }
}
