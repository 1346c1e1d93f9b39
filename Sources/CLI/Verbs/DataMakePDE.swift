import ArgumentParser
import Attune

struct DataMakePDECommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pde",
    abstract: "Trajectories of a PDE in PDEBench's HDF5 layout.",
    discussion: "Equations: \(equationNames.joined(separator: ", ")).")

  @Argument(help: "Name of the equation.")
  var equation: String

  @Option(name: .shortAndLong, help: "HDF5 file to write.")
  var output: String

  @Option(help: "Number of trajectories.")
  var trajectories = 100

  @Option(help: "Cells of each space axis.")
  var grid: Int?

  @Option(help: "Stored frames, the first at time 0.")
  var frames: Int?

  @Option(help: "Time between frames.")
  var dt: Double?

  @Option(
    help: ArgumentHelp(
      "A coefficient: Nu=0.02, or Nu=0.03:0.3 to draw one per trajectory.",
      valueName: "name=value"))
  var parameter: [String] = []

  @Option(help: "Seed; trajectory i depends on seed, equation and i alone.")
  var seed: UInt64 = 0

  @Flag(help: "Replace an existing file.")
  var force = false

  @OptionGroup var log: LogOptions

  func run() throws {
    var request = MakePDERequest(equation: equation, trajectories: trajectories, seed: seed)
    request.cells = grid
    request.frames = frames
    request.interval = dt
    request.parameters = parameter
    try makePDEData(request, at: output, replacing: force) { done in
      if !log.quiet, done % 64 == 0 || done == trajectories {
        Console.error("\(equation): \(done) of \(trajectories) trajectories")
      }
    }
    Console.print("data    \(output)")
  }
}
