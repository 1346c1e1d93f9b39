import Foundation
import Recipes
import Reports
import Testing

/// Whole reports as files, which Scripts/check_reports.py opens in a browser.
///
/// `ATTUNE_REPORTS_TO` names a folder that keeps them; with `ATTUNE_REPORTS_OF`, folders of runs
/// separated by colons, those are reported and compared too.
@Suite struct WrittenReportsTests {
  private let environment = ProcessInfo.processInfo.environment

  @Test("a report of every form is one file that asks for nothing outside")
  func files() throws {
    let folder =
      environment["ATTUNE_REPORTS_TO"]
      ?? NSTemporaryDirectory() + "written-reports-\(UUID().uuidString)"
    defer {
      if environment["ATTUNE_REPORTS_TO"] == nil {
        try? FileManager.default.removeItem(atPath: folder)
      }
    }
    let scenes = [
      [[30, 10, 0], [1, 40, 0], [0, 3, 20]], [[60, 20, 0], [0, 10, 0], [2, 0, 10]],
    ]
    let many = (1...25).map { "a class with the long name \($0)" }
    let manyScene = many.indices.map { row in many.indices.map { abs($0 - row) < 3 ? 9 : 0 } }
    var runs = [
      ("field", SyntheticRuns.run()), ("adapted", SyntheticRuns.adapted(intruders: 2)),
      ("classes", SyntheticRuns.segmentation(scenes: scenes)),
      ("many-classes", SyntheticRuns.segmentation(scenes: [manyScene, manyScene], names: many)),
    ]
    for (index, path) in (environment["ATTUNE_REPORTS_OF"] ?? "").split(separator: ":").enumerated()
    {
      let run = try RunDocument(directory: String(path))
      runs.append(("\(index)-\(run.record.task)", run))
    }
    for (name, run) in runs { try writeReport(for: run, to: "\(folder)/\(name)") }
    let given = runs.suffix(from: 4).map(\.1)
    if !given.isEmpty { try writeComparison(of: given, to: "\(folder)/given-comparison") }
    try writeComparison(of: SyntheticRuns.study(seeds: [0, 1]), to: "\(folder)/comparison")
    for name in runs.map(\.0) + ["comparison"] + (given.isEmpty ? [] : ["given-comparison"]) {
      let text = try String(contentsOfFile: "\(folder)/\(name)/report.html", encoding: .utf8)
      for reference in ["src=\"http", "href=\"http", "url(http", "<script", "@import"] {
        #expect(!text.contains(reference), "\(name) holds \(reference)")
      }
      #expect(text.hasSuffix("</html>\n"))
    }
  }
}
