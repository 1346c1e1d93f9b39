import ArgumentParser
import Attune

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Translate another program's configuration into a recipe.",
    discussion: """
      Reads terratorch, torchtune, axolotl, PEFT (adapter_config.json) and mmsegmentation. Every key \
      is listed as mapped, defaulted or unmappable; an unmappable key that changes the result ends \
      with 65 unless --partial. What the file does not say is a marked placeholder. \
      docs/import.md has the rules.
      """)

  @Argument(help: "The configuration.")
  var file: String

  @Option(name: .shortAndLong, help: "Recipe to write; else it is printed.")
  var output: String?

  @Option(help: "The program: axolotl, mmseg, peft, terratorch or torchtune; else by content.")
  var from: String?

  @Flag(help: "Write the recipe although keys that change the result have no counterpart.")
  var partial = false

  @Flag(help: "Replace an existing file.")
  var force = false

  @OptionGroup var form: OutputOptions

  func run() throws {
    let imported = try importConfiguration(file, from: from)
    if form.json {
      try Console.print(json: imported)
    } else {
      show(imported)
    }
    try writeImported(imported, to: output, isPartial: partial, replacing: force)
    guard !form.json else { return }
    if let output { Console.print("recipe  \(output)") } else { Console.print(imported.recipe) }
  }

  private func show(_ imported: ImportedConfiguration) {
    Console.error("\(imported.format)  \(imported.source)")
    for (heading, lines) in imported.sections {
      Console.error("\n\(heading)")
      for (name, value) in lines { Console.error(columns("  " + name, value, indent: 6)) }
    }
  }
}
