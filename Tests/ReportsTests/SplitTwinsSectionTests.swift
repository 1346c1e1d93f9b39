import Recipes
import Reports
import Testing

@Suite struct SplitTwinsSectionTests {
  private let title = "One recipe under several splits"

  private func run(
    _ name: String, split: String, test: String, overlaps: [String] = [], leak: Double? = nil,
    rate: String = "1e-2"
  ) -> RunDocument {
    var run = SyntheticRuns.run {
      ($0.name, $0.testDigest, $0.learningRate, $0.rolloutScore) = (name, test, rate, nil)
      $0.score = overlaps.isEmpty ? 0.04 : 0.02
    }
    run.record.recipe += "data:\n  split:\n    method: \(split)\n"
    run.record.data.overlaps = overlaps
    run.record.data.leak = leak
    return run
  }

  private func titles(_ runs: [RunDocument]) throws -> [String] {
    try Report(comparing: runs).sections.map(\.title)
  }

  @Test(
    "runs that differ in the split alone stand side by side, the leaky one marked, in no ranking")
  func twins() throws {
    let leak = "93 % of the test pixels lie inside a training patch."
    let report = try Report(comparing: [
      run(
        "blocks", split: "spatial_block", test: "aa",
        overlaps: [
          "0.0 % of the test pixels lie inside a training patch.", "12 pixels are in no part.",
        ], leak: 0),
      run("random", split: "random", test: "bb", overlaps: [leak], leak: 0.93),
    ])
    let section = try report.section(title)
    guard case .paragraph(let words) = section.blocks[0],
      case .table(let table) = section.blocks[1],
      case .list(let notes) = section.blocks[2]
    else {
      Issue.record("paragraph, table and list expected")
      return
    }
    #expect(words.hasPrefix("blocks and random differ in nothing but data.split"))
    #expect(words.contains("what blocks reached as the figure for new places"))
    #expect(notes.count == 3 && notes.last == "random: \(leak)")
    #expect(
      table.columns.map(\.title).prefix(5) == [
        "arm", "split", "test part seen in training", "VRMSE", "baseline VRMSE",
      ])
    #expect(table.rows.map { $0.cells[1] } == ["spatial_block", "random"])
    #expect(table.rows.map { $0.cells[2] } == ["none", "93 %"])
    #expect(table.rows.map { $0.cells[4].prefix(5) } == ["0.194", "0.194"])
    let ranks = try #require(report.comparison).arms.map(\.rank)
    #expect(ranks == [1, 1])
  }

  @Test("runs whose overlap was not measured are called neither leaky nor clean")
  func unmeasured() throws {
    let section = try Report(comparing: [
      run("blocks", split: "spatial_block", test: "aa", overlaps: ["12 pixels are in no part."]),
      run("random", split: "random", test: "bb"),
    ]).section(title)
    guard case .table(let table) = section.blocks[1] else {
      Issue.record("a table expected")
      return
    }
    #expect(table.rows.map { $0.cells[2] } == ["not measured", "not measured"])
  }

  @Test("another setting, the same test part or the same split make no twins")
  func others() throws {
    let blocks = run("blocks", split: "spatial_block", test: "aa")
    #expect(
      try !titles([blocks, run("random", split: "random", test: "bb", rate: "1e-3")]).contains(
        title))
    #expect(try !titles([blocks, run("random", split: "random", test: "aa")]).contains(title))
    #expect(
      try !titles([blocks, run("again", split: "spatial_block", test: "bb")]).contains(title))
  }
}
