import ArgumentParser
import Attune

struct CopyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy",
    abstract: "Copy a shipped recipe to edit.",
    discussion: """
      `attune list recipes` names them. Relative paths are rewritten for the new place; a recipe with \
      bases is written merged with them.
      """)

  @Argument(help: "Name of the recipe: pde/quickstart/lora, or its end.")
  var name: String

  @Argument(help: "File to write.")
  var file: String

  @Flag(help: "Replace an existing file.")
  var force = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    try ShippedRecipes().copy(name, to: file, replacing: force)
    if output.json { return try Console.print(json: ["recipe": file]) }
    Console.print("recipe  \(file)")
  }
}
