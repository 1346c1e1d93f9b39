import ArgumentParser
import Attune

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Say what a file is and what it holds.",
    discussion: """
      Checkpoints (safetensors, PyTorch, npz), adapter directories, HDF5 files, run directories, and \
      recipes, whose model is listed module by module. Of a checkpoint only the header is read, \
      however large it is; --values reads all of it.
      """)

  @Argument(help: "A file or folder.")
  var file: String

  @Flag(help: "Read every tensor: SHA-256, and how many values are NaN or infinite.")
  var values = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    let found = try inspect(file, readingValues: values)
    if output.json { return try Console.print(json: found) }
    Console.print("\(found.kind.rawValue)  \(found.path)")
    let width = min(24, (found.facts.map(\.name.count).max() ?? 0) + 2)
    for fact in found.facts { Console.print(columns(fact.name, fact.value, indent: width)) }
    for part in found.parts {
      let shape = part.shape.map { "\($0)" } ?? ""
      let facts = [part.type, shape, part.note ?? "", part.values?.text ?? ""]
        .filter { !$0.isEmpty }
      Console.print(columns("  " + part.name, facts.joined(separator: "  "), indent: 46))
    }
  }
}
