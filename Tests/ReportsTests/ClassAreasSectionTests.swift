import Recipes
import Reports
import Testing

@Suite struct ClassAreasSectionTests {
  @Test("shares of the truth and of the map over all scenes, undecided pixels left out")
  func shares() throws {
    let run = SyntheticRuns.segmentation(scenes: [
      [[30, 10, 0], [0, 40, 0], [0, 0, 20]], [[60, 20, 0], [0, 10, 0], [0, 0, 10]],
    ])
    let table = try #require(Report(run).section("Areas of the classes").tables.first)
    #expect(table.caption == "Areas on part test (200 pixels)")
    // Truth 120, 50, 30; map 90, 80, 30. Scene by scene the bias is 10 and 20 of 100, so resampled
    // means lie from 10 to 20 points.
    #expect(table.rows.map { $0.cells[1] } == ["60 %", "25 %", "15 %"])
    #expect(table.rows.map { $0.cells[2] } == ["45 %", "40 %", "15 %"])
    #expect(table.rows[1].cells[3].hasPrefix("15"))
    #expect(table.rows[1].cells[3].contains("[10"))
    #expect(table.rows[1].cells[3].contains("20"))
    #expect(table.rows[2].cells[3].hasPrefix("0"))
  }

  @Test("a constant share of unequal scenes has an interval without width")
  func unequalScenes() throws {
    let scene = [[30, 10, 0], [0, 40, 0], [0, 0, 20]]
    let run = SyntheticRuns.segmentation(scenes: [scene, scene.map { $0.map { 9 * $0 } }])
    let table = try #require(Report(run).section("Areas of the classes").tables.first)
    let numbers = table.rows[1].cells[3].split { "[], ".contains($0) }.compactMap { Double($0) }
    #expect(numbers.count == 3)
    #expect(numbers.allSatisfy { abs($0 - 10) < 0.01 })
  }

  @Test("classes of whole images have no area")
  func images() {
    var run = SyntheticRuns.segmentation(scenes: [[[30, 10, 0], [0, 40, 0], [0, 0, 20]]])
    run.record.task = "classification"
    #expect(!Report(run).sections.map(\.title).contains("Areas of the classes"))
  }
}
