import ArgumentParser
import Attune

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Look at data and write a commented starting recipe.",
    discussion: """
      Knows class folders, pairs of images and labels (PNG, GeoTIFF), tables beside images, \
      hyperspectral scenes, trajectories and M3LEO trees. The recipe is tried with one batch and random \
      weights; what the data do not say is marked in it and listed.
      """)

  @Argument(help: "A file or folder of data.")
  var data: String

  @Option(name: .shortAndLong, help: "Recipe to write; else it is printed.")
  var output: String?

  @Flag(help: "Replace an existing file.")
  var force = false

  @OptionGroup var form: OutputOptions

  func run() throws {
    let found = try startingRecipe(for: data, output: output, replacing: force)
    if form.json {
      try Console.print(json: found)
    } else {
      show(found)
    }
    if found.exitCode != 0 { throw ExitCode(found.exitCode) }
  }

  private func show(_ found: StartingRecipe) {
    Console.error("\(found.kind)  \(found.data)")
    if !found.unknown.isEmpty {
      Console.error("\n\(found.unknown.count) to answer")
      for item in found.unknown {
        Console.error(columns("  " + item.field, item.reason, indent: 6))
      }
    }
    if let check = found.check { Console.error("\nchecked with random weights\n" + check.text) }
    for problem in found.problems { Console.error(problem) }
    if let output { Console.print("recipe  \(output)") } else { Console.print(found.recipe) }
  }
}
