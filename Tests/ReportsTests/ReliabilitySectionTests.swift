import Foundation
import Recipes
import Reports
import Testing

@Suite struct ReliabilitySectionTests {
  private func run(_ counts: [Int]) -> RunDocument {
    var run = SyntheticRuns.segmentation(scenes: [[[30, 10, 0], [1, 40, 0], [0, 3, 20]]])
    run.record.evaluations[0].calibration = counts.indices.map { bin in
      let (lower, upper) = (
        Double(bin) / Double(counts.count), Double(bin + 1) / Double(counts.count)
      )
      return RunRecord.CalibrationBin(
        lower: lower, upper: upper, count: counts[bin],
        meanConfidence: counts[bin] > 0 ? (lower + upper) / 2 : nil,
        accuracy: counts[bin] > 0 ? lower : nil)
    }
    return run
  }

  @Test("says mean confidence beside the share of right decisions")
  func words() throws {
    let section = try Report(run([0, 0, 55, 45])).section("Reliability of the probabilities")
    let figure = try #require(section.figures.first)
    #expect(
      figure.alternative
        == "Part test, 100 decisions: mean confidence 74 %, right 61 %.")
    #expect(figure.svg.components(separatedBy: "fill-opacity").count - 1 == 6)
  }

  @Test("bars reach to the share of right samples; the histogram to its largest bin")
  func bars() throws {
    let section = try Report(run([0, 0, 30, 60])).section("Reliability of the probabilities")
    let svg = try #require(section.figures.first).svg
    // Plot of 200 and histogram of 64: 0.5 and 0.75 of the former, half and all of the latter.
    for height in ["100", "150", "32", "64"] { #expect(svg.contains("height=\"\(height)\"/>")) }
    #expect(svg.contains(">67"))
  }

  @Test("records without bins, of before they were kept, have no section")
  func older() throws {
    let titles = { (run: RunDocument) in Report(run).sections.map(\.title) }
    var older = run([1, 1])
    older.record.evaluations[0].calibration = nil
    #expect(!titles(older).contains("Reliability of the probabilities"))
    #expect(!titles(run([0, 0])).contains("Reliability of the probabilities"))
    let data = try JSONEncoder().encode(older.record)
    let text = try #require(String(data: data, encoding: .utf8))
    #expect(!text.contains("calibration"))
    #expect(try JSONDecoder().decode(RunRecord.self, from: data) == older.record)
  }
}
