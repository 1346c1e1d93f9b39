import ArgumentParser
import Attune

struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Fold a run's adapter into the weights and compare both models on one batch.",
    usage: "attune merge <run> --output <file> [<options>]",
    discussion: """
      The file is a safetensors checkpoint under the reference's keys: `model.weights` of a recipe \
      takes it. The base and the adapter stay as they are.
      """)

  @Argument(help: ArgumentHelp("A run directory.", valueName: "run"))
  var directory: String

  @Option(name: .shortAndLong, help: "File to write.")
  var output: String

  @Flag(help: "Replace what exists.")
  var force = false

  @OptionGroup var results: OutputOptions

  func run() throws {
    let merged = try merge(run: directory, to: output, replaces: force)
    if results.json { return try Console.print(json: merged) }
    Console.print(
      "\(merged.file): \(merged.tensors) tensors of checkpoint \(merged.checkpoint), step "
        + "\(merged.step)")
    Console.print(
      "largest difference \(shortFigure(merged.largestDifference)) of outputs up to "
        + shortFigure(merged.largestOutput))
  }
}
