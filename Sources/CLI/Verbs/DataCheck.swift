import ArgumentParser
import Attune

struct DataCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Say what data files hold and what is wrong with them.")

  @OptionGroup var data: DataOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let files = try checkData(data.path, format: data.format)
    if output.json { return try Console.print(json: files) }
    for file in files { printFacts(file.facts) }
  }
}

struct DataStatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Statistics of each field over all trajectories.")

  @OptionGroup var data: DataOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    let fields = try dataStatistics(data.path, format: data.format)
    if output.json { return try Console.print(json: fields) }
    for field in fields { printFacts(field.facts) }
  }
}

/// Which data a verb looks at.
struct DataOptions: ParsableArguments {
  @Argument(help: "A file, a folder, or a name with *.")
  var path: String

  @Option(help: "Format of the files; else the first that fits (attune list datasets).")
  var format: String?
}

private func printFacts(_ facts: [(name: String, value: String)]) {
  for fact in facts { Console.print(columns(fact.name, fact.value, indent: 14)) }
}
