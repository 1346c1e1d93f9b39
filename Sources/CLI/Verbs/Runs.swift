import ArgumentParser
import Attune

struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs",
    abstract: "List the runs of an output folder with state, method and headline metric.",
    discussion: """
      Conditions compare a column or a metric with a value: --where method=lora --where \
      'test/VRMSE<0.02'. Columns: state (running, finished, failed, stopped, interrupted), name, \
      task, method, model, seed, metric, value, trainable, seconds, memory, step, experimental, \
      started, finished, digest, folder.
      """)

  @Argument(help: "Output folder, or a folder in it.")
  var directory = "outputs"

  @Option(
    name: .customLong("where"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Runs that fulfil this alone; all of several.", valueName: "condition"))
  var conditions: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Column or metric; -value for the largest first.", valueName: "key"))
  var sort: String?

  @OptionGroup var results: OutputOptions

  func run() throws {
    let found = try runs(below: directory, where: conditions, sortedBy: sort)
    if results.json { return try Console.print(json: found) }
    Console.print(runTable(found))
  }
}
