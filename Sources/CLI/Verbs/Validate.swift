import ArgumentParser
import Attune

struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Make all checks of a run without training.",
    usage: "attune validate <recipe> ... [<options>]",
    discussion: """
      Fields, files, shapes, weights and module patterns are checked; errors of recipe, data and model \
      are shown together. A few steps and evaluations give the time and the peak memory of the run on \
      this machine. Ends with the code of the first invalid recipe.
      """)

  @Argument(help: "Recipes.")
  var recipes: [String]

  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Change a field of all recipes.", valueName: "path=value"))
  var changes: [String] = []

  @Flag(
    help: "Pass over data and weights that are not there: check the recipe and its model alone.")
  var withoutFiles = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    var validations: [Validation] = []
    for recipe in recipes {
      let found = validation(of: recipe, overrides: changes, withoutFiles: withoutFiles)
      validations.append(found)
      guard !output.json else { continue }
      if found.isValid { Console.print(found.text) } else { Console.error(found.text) }
    }
    if output.json { try Console.print(json: validations) }
    if let first = validations.first(where: { !$0.isValid }) { throw ExitCode(first.exitCode) }
  }
}
