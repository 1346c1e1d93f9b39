import ArgumentParser
import Attune

struct EvalCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Measure a run's checkpoint, or a recipe's model, on a split.",
    usage: "attune eval <run or recipe> [<options>]",
    discussion: """
      A run's record and report are written again with the new evaluation of the split; for a \
      recipe, whose weights are taken as they are, the result is only printed.
      """)

  @Argument(help: "A run directory, or a recipe.")
  var subject: String

  @Option(help: "The part that is measured: train, val or test (eval.split).")
  var split: String?

  @Option(help: "Weights of a run: best or last (eval.checkpoint).")
  var checkpoint: String?

  @Option(
    help: ArgumentHelp(
      "Let a difference pass: inputs, or one that a refusal names.", valueName: "name"))
  var accept: [String] = []

  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Change a field of a recipe.", valueName: "path=value"))
  var changes: [String] = []

  @OptionGroup var output: OutputOptions

  func run() throws {
    var request = EvalRequest(subject: subject)
    request.overrides = changes
    request.split = split
    request.checkpoint = checkpoint
    request.accepted = accept
    let result = try evaluate(request)
    if output.json { return try Console.print(json: result) }
    Console.print(result.table)
    for difference in result.accepted { Console.error("accepted \(difference)") }
    if let directory = result.directory { Console.print("report  \(directory)/report/report.html") }
  }
}
