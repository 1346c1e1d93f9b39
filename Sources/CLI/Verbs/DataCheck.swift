import ArgumentParser
import Attune

struct DataCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Say what data hold and what is wrong with them.",
    discussion: "docs/data-check.md explains each kind of problem.")

  @OptionGroup var data: DataOptions

  @Option(help: "Where the files of a card lie; else a folder of its name.")
  var root: String?

  @Flag(help: "Exit with 65 where a problem is an error.")
  var strict = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    let check = try checkData(data.path, root: root, format: data.format)
    if output.json {
      try Console.print(json: check)
    } else {
      for facts in check.facts { printFacts(facts) }
      for (heading, lines) in check.problems {
        Console.print("\n" + heading)
        printFacts(lines)
      }
      if check.problems.isEmpty { printFacts([("problems", "none")]) }
    }
    if strict, check.hasErrors { throw ExitCode(65) }
  }
}

struct DataStatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Statistics of each field of trajectories, or band of rasters.")

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
  @Argument(help: "A file, a folder, a name with *, or a card (check only).")
  var path: String

  @Option(help: "Format of the files; else the first that fits (attune list datasets).")
  var format: String?
}

private func printFacts(_ facts: [(name: String, value: String)]) {
  for fact in facts { Console.print(columns(fact.name, fact.value, indent: 14)) }
}
