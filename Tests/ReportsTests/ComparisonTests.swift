import Recipes
import Reports
import TestSupport
import Testing

@Suite struct SelectionTests {
  @Test("the run with the best validation value stands for its arm, whatever its test value")
  func bestValidation() throws {
    let runs = [("1e-3", 0.03, 0.010), ("1e-2", 0.02, 0.015), ("1e-1", 0.5, 0.001)].map {
      rate, validation, test in
      SyntheticRuns.run {
        ($0.learningRate, $0.validation, $0.score) = (rate, validation, test)
      }
    }
    let report = try Report(comparing: runs)
    let arm = try #require(report.comparison?.arms.first)
    #expect(report.comparison?.arms.count == 1)
    #expect(arm.seeds[0].settings == ["train.optimizer.lr": "0.01"])
    #expect(arm.seeds[0].values[0].mean == 0.015)
    let table = try report.section("How runs were chosen").tables[0]
    #expect(table.columns.map(\.title).contains("train.optimizer.lr"))
    #expect(table.rows.map { $0.cells.last } == ["", "chosen", ""])
    #expect(table.rows.map(\.emphasis) == [.none, .strong, .none])
    #expect(report.records.count == 3)
    #expect(report.records.allSatisfy { $0.samples.isEmpty })
  }

  @Test("of a metric to be maximized the largest value is best")
  func maximized() throws {
    let runs = [0.3, 0.9].enumerated().map { index, value in
      var run = SyntheticRuns.run { $0.learningRate = "\(index)" }
      run.record.recipe = run.record.recipe.replacing(
        "monitor: val/VRMSE", with: "monitor: val/score\n  mode: max")
      run.evaluations = [
        MetricsEvent(step: 1, epoch: 1, seconds: 1, metrics: ["val/score": value])
      ]
      return run
    }
    let arm = try #require(try Report(comparing: runs).comparison?.arms.first)
    #expect(arm.seeds[0].settings == ["train.optimizer.lr": "1"])
  }

  @Test("a run that diverged is never chosen")
  func diverged() throws {
    var runs = ["1e-3", "1e-1"].map { rate in
      SyntheticRuns.run { ($0.learningRate, $0.validation) = (rate, 0.5) }
    }
    runs[1].evaluations = runs[1].evaluations.map { event in
      MetricsEvent(
        step: event.step, epoch: event.epoch, seconds: event.seconds, metrics: ["val/VRMSE": .nan])
    }
    let report = try Report(comparing: runs)
    #expect(report.comparison?.arms[0].seeds[0].settings == ["train.optimizer.lr": "0.001"])
    #expect(
      try report.section("How runs were chosen").tables[0].rows[1].cells.contains("none finite"))
  }

  @Test("without validation values there is no choice")
  func noValidation() throws {
    let runs = ["1", "2"].map { rate in
      var run = SyntheticRuns.run { $0.learningRate = rate }
      run.evaluations = []
      return run
    }
    let error = try #require(throws: ReportError.self) { try Report(comparing: runs) }
    #expect(error.description.contains("no run has a finite value of val/VRMSE"))
    #expect(error.description.contains("outputs/lora/"))
  }

  @Test("runs that watch different metrics cannot be candidates for one arm")
  func differentMonitors() throws {
    var runs = ["1", "2"].map { rate in SyntheticRuns.run { $0.learningRate = rate } }
    runs[1].record.recipe = runs[1].record.recipe.replacing("val/VRMSE", with: "val/loss")
    #expect(
      throws: ReportError.monitorsDiffer(
        run: "lora", seed: 0, metrics: ["val/VRMSE", "val/loss"])
    ) { try Report(comparing: runs) }
  }

  @Test("a run given twice is used once, and said")
  func repeated() throws {
    let report = try Report(comparing: [SyntheticRuns.run(), SyntheticRuns.run()])
    #expect(report.comparison?.arms[0].seeds.count == 1)
    #expect(try report.section("How runs were chosen").warnings[0].contains("repeats a run"))
  }

  @Test("a recipe that cannot be read is refused in a comparison and shown in a report")
  func unreadableRecipe() throws {
    var run = SyntheticRuns.run()
    run.record.recipe = "a: [1\n"
    let error = try #require(throws: ReportError.self) { try Report(comparing: [run]) }
    #expect(error.description.contains("\(run.directory), recipe of the record: cannot be read"))
    #expect(try Report(run).section("Summary").warnings == [error.description])
  }

  @Test("nothing, or a run without evaluation, is refused")
  func refused() {
    #expect(throws: ReportError.nothingToCompare) { try Report(comparing: []) }
    var run = SyntheticRuns.run()
    run.record.evaluations = []
    #expect(throws: ReportError.noEvaluation(directory: run.directory)) {
      try Report(comparing: [run])
    }
  }
}

@Suite struct RankingTests {
  @Test("arms are ranked by the headline metric, the baseline stands with them")
  func ranking() throws {
    let report = try Report(comparing: SyntheticRuns.study())
    #expect(report.comparison?.arms.map(\.name) == ["lora", "full", "scratch"])
    #expect(report.comparison?.arms.map(\.rank) == [1, 2, 3])
    let rows = try report.section("Result").tables[0].rows
    #expect(
      rows.map { $0.cells[0] } == ["lora", "full", "scratch", "baseline: last state"])
    #expect(rows[3].emphasis == .muted)
    #expect(try !report.section("Result").tables[0].columns.contains { $0.title == "seed" })
    #expect(rows[0].cells.contains("67,456 (21 %)"))
    #expect(rows[0].cells.last == "lr 0.01")
  }

  @Test("over seeds the table shows mean and spread, and every seed for itself")
  func seeds() throws {
    let result = try Report(comparing: SyntheticRuns.study(seeds: [0, 1, 2])).section("Result")
    #expect(result.tables[0].caption == "Over 3 seeds, best first")
    #expect(result.tables[0].rows.map { $0.cells[0] }.prefix(2) == ["full", "lora"])
    #expect(result.tables[0].rows[1].cells[2] == "0.0221 ± 0.0011")
    #expect(result.tables[1].rows.count == 3 * 4)
  }

  @Test("runs with different test data are never ranked together")
  func testData() throws {
    let runs = [
      SyntheticRuns.run { $0.name = "a" },
      SyntheticRuns.run { ($0.name, $0.testDigest) = ("b", "ffff") },
      SyntheticRuns.run { $0.name = "c" },
    ]
    let report = try Report(comparing: runs)
    let summary = try #require(report.comparison)
    #expect(summary.arms.map(\.name) == ["a", "c", "b"])
    #expect(summary.arms.map(\.pool) == [1, 1, 2])
    #expect(summary.arms.map(\.rank) == [1, 2, 1])
    let result = try report.section("Result")
    #expect(result.warnings[0].contains("tested on different data"))
    #expect(result.warnings[0].contains("group 1: a, c; group 2: b"))
    let pairs = try report.section("Paired differences").tables.flatMap(\.rows)
    #expect(Set(pairs.map { $0.cells[0] }) == ["a − c"])
  }

  @Test("one name with two test sets for a seed is two arms")
  func splitName() throws {
    let runs = ["aaaa", "bbbb"].map { digest in SyntheticRuns.run { $0.testDigest = digest } }
    let names = try #require(try Report(comparing: runs).comparison).arms.map(\.name)
    #expect(names == ["lora (test data aaaa0)", "lora (test data bbbb0)"])
  }

  @Test("experimental runs stand apart without a rank")
  func experimental() throws {
    let runs =
      SyntheticRuns.study() + [
        SyntheticRuns.run { ($0.name, $0.score, $0.experimental) = ("new", 0.001, true) }
      ]
    let report = try Report(comparing: runs)
    let last = try #require(report.comparison?.arms.last)
    #expect(last.name == "new" && last.rank == nil)
    let result = try report.section("Result")
    #expect(result.blocks.contains(.heading("Experimental runs, not ranked")))
    #expect(!result.tables[0].rows.contains { $0.cells[0] == "new" })
  }

  @Test("the table for a terminal fits its width", arguments: [80, 60, 40])
  func terminal(width: Int) throws {
    var runs = SyntheticRuns.study(seeds: [0, 1])
    runs.append(
      SyntheticRuns.run { ($0.name, $0.experimental) = ("a-very-long-name-of-an-arm", true) })
    let summary = try #require(try Report(comparing: runs).comparison)
    let lines = summary.table(width: width).split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= width })
    #expect(lines[0].hasPrefix("arm "))
    // Titles, four arms, the baseline, the footnote.
    #expect(lines.count == 1 + 4 + 1 + 1)
  }

  @Test("the table for a terminal, exactly")
  func terminalText() throws {
    let folder = try TemporaryFolder()
    let summary = try writeComparison(of: SyntheticRuns.study(), to: folder.path)
    #expect(
      summary.table() == """
        arm         trained  share   time                    VRMSE         VRMSE_rollout
        lora         67,456   21 %  7.2 s  0.0210 [0.0197, 0.0223]  0.170 [0.160, 0.180]
        full        315,088  100 %  6.0 s  0.0220 [0.0207, 0.0233]  0.130 [0.122, 0.138]
        scratch     315,088  100 %  6.1 s     0.125 [0.117, 0.133]  0.270 [0.254, 0.286]
        last state        0                   0.194 [0.182, 0.206]     2.16 [2.03, 2.29]

        """)
  }
}
