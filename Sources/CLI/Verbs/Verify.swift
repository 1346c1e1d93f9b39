import ArgumentParser
import Attune

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compare models with stored runs of their reference programs.")

  @Argument(help: "Parity cases: JSON files, folders of an adapter case, or folders of cases.")
  var cases: [String]

  @Option(help: "Tolerance of the pass rule.")
  var tolerance = 1e-4

  @OptionGroup var output: OutputOptions

  func run() throws {
    let report = try verify(cases, tolerance: tolerance) { verdict in
      guard !output.json else { return }
      let mark = verdict.passed ? "passed" : "FAILED"
      Console.print("\(mark)  \(verdict.name)  \(verdict.compared) tensors, \(figures(verdict))")
    }
    if output.json {
      try Console.print(json: report)
    } else {
      for item in report.skipped { Console.print("skipped \(item.name) (\(item.kind))") }
      Console.print(
        "\(report.passed) passed, \(report.failed) failed, \(report.skipped.count) skipped")
    }
    if report.failed > 0 { throw ExitCode.failure }
  }

  private func figures(_ verdict: Verdict) -> String {
    let size = shortFigure(verdict.maxRel)
    return verdict.passed ? "largest error \(size)" : "\(verdict.worst): \(size)"
  }
}
