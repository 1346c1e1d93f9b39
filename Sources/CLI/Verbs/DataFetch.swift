import ArgumentParser
import Attune
import Launch

struct DataFetchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch", abstract: "Download a data set by its card.",
    discussion: """
      `attune list datasets` names the cards. What is there with the right digest is passed over; an \
      interrupted download goes on where it stopped. Ends with 69 where the publisher wants an account \
      or the server is away, 65 where the digest differs (the file is kept as NAME.bad), 75 when stopped.
      """)

  @Argument(help: "Name of a card, or the path of a card file.")
  var card: String

  @Option(name: .shortAndLong, help: "Folder to fill; else data/NAME.")
  var output: String?

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Only files of this name, * for any text.", valueName: "pattern"))
  var only: [String] = []

  @Flag(help: "Name the files, download nothing.")
  var dryRun = false

  @OptionGroup var log: LogOptions
  @OptionGroup var result: OutputOptions

  func run() throws {
    let style: ProgressReporter.Style =
      log.quiet ? .silent : log.logFormat == .json ? .json : .forStandardError
    let summary = try fetchData(
      card, to: output, only: only, isDryRun: dryRun,
      reporter: ProgressReporter(style: style, logEvery: 1))
    if result.json { return try Console.print(json: summary) }
    Console.print(columns("data set", "\(summary.title) (\(summary.card))", indent: 10))
    Console.print(columns("license", summary.license, indent: 10))
    Console.print(columns("folder", summary.folder, indent: 10))
    for file in summary.fileLines { Console.print(columns("file", file, indent: 10)) }
    for note in summary.notes { Console.print(columns("note", note, indent: 10)) }
  }
}
