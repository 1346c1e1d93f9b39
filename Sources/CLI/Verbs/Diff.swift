import ArgumentParser
import Attune

struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Say at which step two runs part, and why.",
    discussion: """
      Compares the digests of batches, losses, gradient norms and rates step by step, then starting \
      values, data, recipe and environment. It is a report: runs that differ end with 0 as well.
      """)

  @Argument(help: "A run directory.")
  var first: String

  @Argument(help: "Another.")
  var second: String

  @OptionGroup var output: OutputOptions

  func run() throws {
    let difference = try runDifference(first, second)
    if output.json { return try Console.print(json: difference) }
    Console.print(difference.text)
  }
}
