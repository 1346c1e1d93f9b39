import ArgumentParser
import Attune
import Datasets

struct DataMakePDECommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pde",
    abstract: "Trajectories of a PDE in PDEBench's HDF5 layout.",
    discussion: "Equations: \(equations.map { $0.name }.joined(separator: ", ")).")

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
    var choices: [String: ParameterChoice] = [:]
    for text in parameter {
      let (name, choice) = try Self.choice(text)
      choices[name] = choice
    }
    let plan = try PDEPlan(
      equation: equation, trajectories: trajectories, cells: grid, frames: frames, interval: dt,
      parameters: choices, seed: seed)
    try makeData(plan, at: output, replacing: force) { done in
      if !log.quiet, done % 64 == 0 || done == trajectories {
        Console.error("\(equation): \(done) of \(trajectories) trajectories")
      }
    }
    Console.print("data    \(output)")
  }

  private static func choice(_ text: String) throws -> (String, ParameterChoice) {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    let numbers = (parts.last ?? "").split(separator: ":").map { Double($0) }
    if parts.count == 2, numbers.count == 1, let value = numbers[0] {
      return (parts[0], .fixed(value))
    }
    if parts.count == 2, numbers.count == 2, let low = numbers[0], let high = numbers[1],
      low <= high
    {
      return (parts[0], .drawn(low...high))
    }
    throw ValidationError(
      "--parameter '\(text)': expected name=value or name=low:high, as Nu=0.03:0.3")
  }
}
