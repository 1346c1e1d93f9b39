import ArgumentParser
import Attune
import Reports

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Rebuild a run's report, or compare several runs.",
    discussion: """
      Runs of one name and seed that differ in settings are one arm: the run with the best \
      monitored validation value stands for it. --pdf needs Chromium on PATH.
      """)

  @Argument(help: "Run directories.")
  var runs: [String]

  @Option(
    name: .shortAndLong,
    help: "Folder of the report; for a comparison <output.dir>/<name>/report of the first run.")
  var output: String?

  @Flag(help: "Print the report as report.pdf too, by the machine's Chromium.")
  var pdf = false

  @OptionGroup var results: OutputOptions

  func run() throws {
    let made = try makeReport(of: runs, to: output, pdf: pdf)
    if results.json, let summary = made.summary { return try Console.print(json: summary) }
    if let summary = made.summary { Console.print(summary.table()) }
    Console.print("report  \(made.directory)/report.html")
    if let file = made.pdf { Console.print("pdf     \(file)") }
  }
}
