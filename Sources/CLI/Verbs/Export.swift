import ArgumentParser
import Attune

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a run's adapter or merged model for another program.",
    usage: "attune export <run> --output <folder> --format <format> [<options>]",
    discussion: """
      peft is the adapter alone, as Hugging Face PEFT reads it; timm, hf (transformers) and \
      safetensors (the reference's keys) hold the model with its adapters merged, the first two with \
      the config.json that builds it; low-bit holds layers trained by efficientdm as whole numbers \
      with their grids. What a format cannot say exactly is refused. The --io file holds \
      an input and our output on it; Scripts/check_export.py compares it with the other program's.
      """)

  @Argument(help: ArgumentHelp("A run directory.", valueName: "run"))
  var directory: String

  @Option(name: .shortAndLong, help: "Folder to make.")
  var output: String

  @Option(help: "peft, timm, hf, safetensors or low-bit.")
  var format: ExportRequest.Format

  @Option(help: ArgumentHelp("Write an input and the model's output.", valueName: "file"))
  var io: String?

  @Flag(help: "Replace what exists.")
  var force = false

  @OptionGroup var results: OutputOptions

  func run() throws {
    var request = ExportRequest(run: directory, output: output, format: format)
    request.sample = io
    request.replaces = force
    let exported = try export(request)
    if results.json { return try Console.print(json: exported) }
    Console.print(
      "\(exported.format)  \(exported.directory): \(exported.tensors) tensors of checkpoint "
        + "\(exported.checkpoint), step \(exported.step)")
    if let sample = exported.sample { Console.print("io  \(sample)") }
  }
}

extension ExportRequest.Format: ExpressibleByArgument {}
