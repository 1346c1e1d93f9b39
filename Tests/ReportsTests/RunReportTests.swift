import Foundation
import Recipes
import Reports
import Testing

/// Looking into reports.
extension Report {
  func section(_ title: String) throws -> Section {
    try #require(
      sections.first { $0.title == title }, "no section \(title) in \(sections.map(\.title))")
  }
}

extension Report.Section {
  /// Tables at the top and inside folded blocks.
  var tables: [Table] { Self.tables(in: blocks) }

  private static func tables(in blocks: [Block]) -> [Table] {
    blocks.flatMap { block in
      switch block {
      case .table(let table): [table]
      case .details(_, let inner): tables(in: inner)
      default: [] as [Table]
      }
    }
  }

  var figures: [Figure] {
    blocks.compactMap { if case .figure(let figure) = $0 { figure } else { nil } }
  }

  var warnings: [String] {
    blocks.compactMap { if case .warning(let text) = $0 { text } else { nil } }
  }

  var sentences: [String] {
    blocks.flatMap { block in
      switch block {
      case .list(let items): items
      case .paragraph(let text): [text]
      default: [] as [String]
      }
    }
  }

  func value(_ key: String) -> String? {
    for case .keyValues(let entries) in blocks {
      if let entry = entries.first(where: { $0.key == key }) { return entry.value }
    }
    return nil
  }
}

@Suite struct RunReportTests {
  @Test("says what adapters changed, in words and in a table")
  func updates() throws {
    var run = SyntheticRuns.run()
    run.record.model.updates = (0..<3).map {
      RunRecord.WeightUpdate(
        module: "blocks.\($0).fc", rank: 4, effectiveRank: 2 + Double($0), relativeNorm: 0.1,
        intruders: $0, looked: 10)
    }
    run.record.model.updatesLeft = 5
    let section = try Report(run).section("What the adapters changed")
    let text = section.sentences.joined(separator: " ")
    #expect(text.contains("3 of 30 leading singular vectors are intruder dimensions, in 2 of 3"))
    #expect(text.contains("effective rank of the updates is 2.0 to 4.0"))
    #expect(text.contains("size ‖ΔW‖/‖W‖ 0.10."))
    #expect(text.contains("5 more weights were left out"))
    let table = try #require(section.tables.first)
    #expect(table.rows.map { $0.cells.last ?? "" } == ["0 of 10", "1 of 10", "2 of 10"])
  }

  @Test("sections come in the order of the contract")
  func order() {
    #expect(
      Report(SyntheticRuns.run()).sections.map(\.title) == [
        "Summary", "Data", "Model and weights", "Training", "Results", "Error by rollout step",
        "Samples", "Notes",
      ])
  }

  @Test("what has nothing to say is left out")
  func silence() {
    var run = SyntheticRuns.run { $0.rolloutScore = nil }
    run.record.samples = []
    run.record.notes = []
    run.steps = []
    run.evaluations = []
    #expect(
      Report(run).sections.map(\.title) == ["Summary", "Data", "Model and weights", "Results"])
  }

  @Test("begins with the headline, its interval and the trivial baseline")
  func headline() throws {
    let summary = try Report(SyntheticRuns.run()).section("Summary")
    #expect(
      summary.sentences == [
        "VRMSE on the test part: 0.0200 [0.0188, 0.0212] over 64 trajectories (95 % interval in "
          + "brackets); the trivial baseline, last state, has 0.194 [0.182, 0.206]. "
          + "Lower is better."
      ])
    #expect(summary.value("Trained parameters") == "67,456 of 315,088 (21 %)")
    #expect(summary.value("Adapter file") == "266 KiB")
    #expect(summary.value("Seed") == "0")
    #expect(summary.blocks.contains(.code("attune train recipes/lora.yaml --seed 0")))
    #expect(summary.warnings.isEmpty)
  }

  @Test("an experimental run says so at the top")
  func experimental() throws {
    let summary = try Report(SyntheticRuns.run { $0.experimental = true }).section("Summary")
    #expect(summary.warnings.count == 1)
    #expect(summary.warnings[0].hasPrefix("Experimental"))
  }

  @Test("results show the baseline in the same table, and every formula once")
  func results() throws {
    let tables = try Report(SyntheticRuns.run()).section("Results").tables
    #expect(tables[0].columns.map(\.title).contains("baseline: last state"))
    #expect(
      tables[0].rows[0].cells == [
        "VRMSE", "0.0200 [0.0188, 0.0212]", "0.194 [0.182, 0.206]", "", "lower", "64",
      ])
    #expect(tables[0].rows[0].emphasis == .strong)
    #expect(tables[1].rows.map { $0.cells[0] } == ["VRMSE, VRMSE_rollout", "MaxError"])
  }

  @Test("units have a column where some metric has one")
  func units() throws {
    var run = SyntheticRuns.run()
    #expect(try Report(run).section("Results").tables[0].columns.contains { $0.title == "unit" })
    for index in run.record.evaluations[0].metrics.indices {
      run.record.evaluations[0].metrics[index].unit = ""
    }
    let table = try Report(run).section("Results").tables[0]
    #expect(!table.columns.contains { $0.title == "unit" })
    #expect(table.rows.allSatisfy { row in row.cells.count == table.columns.count })
  }

  @Test("data shows parts, normalization numbers, skipped samples and overlaps")
  func data() throws {
    var run = SyntheticRuns.run()
    run.record.data.skipped = [.init(sample: "17", reason: "all values missing")]
    run.record.data.overlaps = ["3 % of test pixels lie in training patches."]
    let section = try Report(run).section("Data")
    #expect(section.tables[0].rows.map { $0.cells[0] } == ["train", "val", "test"])
    #expect(section.tables[0].rows[2].cells == ["test", "64 trajectories", "1216"])
    #expect(section.tables[1].rows[0].cells == ["u", "0.512300", "0.231100"])
    #expect(section.warnings[0] == "3 % of test pixels lie in training patches.")
    #expect(section.warnings[1].hasPrefix("1 sample was left out"))
  }

  @Test("missing and resized tensors are a warning, spare ones are only listed")
  func weights() throws {
    var run = SyntheticRuns.run()
    #expect(try Report(run).section("Model and weights").warnings.isEmpty)
    run.record.model.weights?.missing = ["blocks.0.attn.q.weight", "blocks.1.attn.q.weight"]
    let section = try Report(run).section("Model and weights")
    #expect(section.warnings.count == 1)
    #expect(section.sentences[0].contains("174 tensors matched, 2 missing from the file"))
    #expect(section.tables.contains { $0.rows.first?.cells == ["blocks.0–1.attn.q.weight", "2"] })
  }

  @Test("curves count the values that a drawing cannot show")
  func nonFiniteLoss() throws {
    var run = SyntheticRuns.run()
    run.steps[3].loss = .nan
    let figures = try Report(run).section("Training").figures
    #expect(figures[0].caption.contains("1 values that are not finite are left out"))
    #expect(!figures[0].svg.contains("nan"))
    #expect(figures.map(\.name).contains("validation-val-VRMSE"))
    #expect(
      figures.first { $0.name == "validation-val-VRMSE" }?.caption.contains("at step 200") == true)
  }

  @Test("a peak of a single step survives thinning")
  func thinning() throws {
    var run = SyntheticRuns.run { $0.steps = 20_000 }
    run.steps[12_345].loss = 1e9
    let figure = try Report(run).section("Training").figures[0]
    let points = figure.svg.components(separatedBy: "points=\"")[1].prefix { $0 != "\"" }
      .split(separator: " ")
    #expect(points.count < 2000)
    let heights = points.compactMap { $0.split(separator: ",").last.flatMap { Double($0) } }
    // The axis has room above the highest value: the peak stands alone near the top at 34.
    #expect(heights.filter { $0 < 60 }.count == 1)
  }

  @Test("samples are pictures with a shared range for truth and prediction")
  func samples() throws {
    let figures = try Report(SyntheticRuns.run()).section("Samples").figures
    #expect(figures.map(\.name) == ["sample-1-best", "sample-2-median", "sample-3-worst"])
    #expect(figures[0].alternative.hasSuffix("pictures of truth, prediction, error"))
    #expect(figures[0].svg.components(separatedBy: "data:image/png").count == 1 + 3 + 2)
    #expect(figures[0].svg.contains("truth, prediction (u)"))
  }

  @Test("an error map of classes has colors that no class has")
  func errorColors() throws {
    func panel(_ title: String, _ names: [String]) -> RunRecord.Panel {
      var panel = RunRecord.Panel(
        title: title, rows: 2, columns: 2, rowAxis: "y", columnAxis: "x", unit: "",
        values: [0, 1, 0, 1], isSigned: false)
      panel.classNames = names
      return panel
    }
    func swatches(_ panels: [RunRecord.Panel]) throws -> Set<Substring> {
      var run = SyntheticRuns.run()
      run.record.samples = [.init(identifier: "scene", rank: "best", score: 1, panels: panels)]
      let svg = try Report(run).section("Samples").figures[0].svg
      return Set(
        svg.components(separatedBy: "fill:rgb(").dropFirst().map { $0.prefix { $0 != ")" } })
    }
    let classes = try swatches([panel("truth", ["land", "lake"])])
    let errors = try swatches([panel("error", ["right or not judged", "wrong"])])
    #expect(classes.count == 2 && errors.count == 2)
    #expect(classes.isDisjoint(with: errors))
  }

  @Test("square pictures stand side by side, a constant one too")
  func squarePictures() throws {
    var run = SyntheticRuns.run()
    run.record.samples = [
      .init(
        identifier: "scene", rank: "worst", score: 1,
        panels: (0..<4).map { index in
          .init(
            title: "panel \(index)", rows: 8, columns: 8, rowAxis: "y", columnAxis: "x", unit: "",
            values: [Float](repeating: 2, count: 64), isSigned: index == 3)
        })
    ]
    let svg = try Report(run).section("Samples").figures[0].svg
    #expect(svg.components(separatedBy: "data:image/png").count == 1 + 4 + 2)
    #expect(!svg.contains("nan"))
  }
}
