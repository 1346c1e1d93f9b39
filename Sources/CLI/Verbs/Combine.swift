import ArgumentParser
import Attune

struct CombineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "combine",
    abstract: "Add, average or subtract adapters of one base, or bring one to another rank.",
    usage: "attune combine <adapter> ... --output <folder> [--by add|average|subtract] [<options>]",
    discussion: """
      Adapters are LoRA directories, or runs that saved one. The sum is exact: ranks add up, unless \
      --rank limits them to the nearest update of that rank. The result opens in Hugging Face PEFT.
      """)

  @Argument(help: ArgumentHelp("Adapter directories or runs.", valueName: "adapter"))
  var adapters: [String]

  @Option(name: .shortAndLong, help: "Folder to make.")
  var output: String

  @Option(help: "add, average or subtract (the second from the first).")
  var by = CombineRequest.Operation.add

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("A weight for each adapter.", valueName: "weight"))
  var weights: [Double] = []

  @Option(help: "Largest rank of the result.")
  var rank: Int?

  @Flag(help: "Replace what exists.")
  var force = false

  @OptionGroup var results: OutputOptions

  func validate() throws {
    if let rank, rank < 1 { throw ValidationError("--rank is at least 1, found \(rank)") }
  }

  func run() throws {
    var request = CombineRequest(adapters, by, output: output)
    request.weights = weights.isEmpty ? nil : weights
    request.rank = rank
    request.replaces = force
    let combined = try combine(request)
    if results.json { return try Console.print(json: combined) }
    Console.print(
      "\(combined.directory): \(combined.modules) modules, rank up to \(combined.largestRank)"
        + (combined.error > 0 ? ", relative error \(shortFigure(combined.error))" : ""))
  }
}

extension CombineRequest.Operation: ExpressibleByArgument {}
