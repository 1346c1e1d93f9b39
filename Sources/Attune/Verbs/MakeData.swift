import Datasets
import Foundation
import Formats
package import Recipes

/// What `data make pde` is asked for.
package struct MakePDERequest: Sendable {
  package var equation: String
  package var trajectories: Int
  package var seed: UInt64
  /// Cells of each space axis, stored frames and time between them; nil takes the equation's.
  package var cells: Int?
  package var frames: Int?
  package var interval: Double?
  /// `Nu=0.02`, or `Nu=0.03:0.3` to draw one per trajectory.
  package var parameters: [String] = []

  package init(equation: String, trajectories: Int, seed: UInt64) {
    self.equation = equation
    self.trajectories = trajectories
    self.seed = seed
  }
}

/// Arguments that cannot be followed.
package struct CommandLineError: ExitCoded, CustomStringConvertible {
  package let description: String
  package var exitCode: ExitCode { .wrongCommandLine }
}

/// Names of the equations that can be solved.
package var equationNames: [String] { equations.map { $0.name } }

/// Computes trajectories into a new file.
///
/// - Throws: where the file exists and is not to be replaced (73), or a solver or the disk fails.
package func makePDEData(
  _ request: MakePDERequest, at path: String, replacing: Bool, progress: (Int) -> Void
) throws {
  var choices: [String: ParameterChoice] = [:]
  for text in request.parameters {
    let (name, choice) = try parameterChoice(text)
    choices[name] = choice
  }
  let plan = try PDEPlan(
    equation: request.equation, trajectories: request.trajectories, cells: request.cells,
    frames: request.frames, interval: request.interval, parameters: choices, seed: request.seed)
  if !replacing, FileManager.default.fileExists(atPath: path) {
    throw FormatError.outputExists(path: path, replacing: "Pass --force to replace it")
  }
  let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
  try FileManager.default.createDirectory(
    atPath: folder, withIntermediateDirectories: true)
  try makePDE(plan, at: path, progress: progress)
}

private func parameterChoice(
  _ text: String
) throws(CommandLineError) -> (String, ParameterChoice) {
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
  throw CommandLineError(
    description: "--parameter '\(text)': expected name=value or name=low:high, as Nu=0.03:0.3")
}
