import Adapters
import Checkpoints
import Foundation
import Formats
package import Recipes

/// What `combine` is asked for.
package struct CombineRequest: Sendable {
  package enum Operation: String, Sendable, CaseIterable { case add, average, subtract }

  /// Adapter directories, or runs that saved one.
  package var adapters: [String]
  package var operation: Operation
  /// One for each adapter; nil for the operation's own.
  package var weights: [Double]?
  /// Largest rank of the result; nil keeps the sum exact.
  package var rank: Int?
  package var output: String
  package var replaces = false

  package init(_ adapters: [String], _ operation: Operation, output: String) {
    self.adapters = adapters
    self.operation = operation
    self.output = output
  }
}

/// What was written.
package struct Combined: Codable, Sendable {
  package var directory: String
  package var modules: Int
  package var largestRank: Int
  /// Relative error of the update through a limited rank; 0 for the exact sum.
  package var error: Double

  private enum CodingKeys: String, CodingKey {
    case directory, modules, error
    case largestRank = "largest_rank"
  }
}

/// Adds, averages or subtracts adapters of one base, with weights, exactly or to a rank.
///
/// - Throws: `AdapterError` for adapters that cannot be put together (exit 65 or 69), `CombineError`
///   for a wrong command (64).
package func combine(_ request: CombineRequest) throws -> Combined {
  let count = request.adapters.count
  guard count > 1 || request.rank != nil else {
    throw CombineError(
      "one adapter alone is only brought to another rank. Give --rank, or more adapters")
  }
  if let weights = request.weights, weights.count != count {
    throw CombineError("\(weights.count) weights for \(count) adapters. Give one for each")
  }
  if request.operation == .subtract, count != 2 || request.weights != nil {
    throw CombineError("subtract takes two adapters and no weights; add takes weights of any sign")
  }
  let weights =
    request.weights
    ?? {
      switch request.operation {
      case .add: [Double](repeating: 1, count: count)
      case .average: [Double](repeating: 1 / Double(count), count: count)
      case .subtract: [1, -1]
      }
    }()
  if request.operation == .average, abs(weights.reduce(0, +) - 1) > 1e-9 {
    throw CombineError("weights of an average add up to 1, these to \(weights.reduce(0, +))")
  }
  if FileManager.default.fileExists(atPath: request.output), !request.replaces {
    throw FormatError.outputExists(path: request.output, replacing: "Pass --force to replace it")
  }
  let directories = try request.adapters.map { try PEFTDirectory(reading: adapterFolder($0)) }
  let sum = try AdapterSum(
    directories, weights: weights, averagesSaved: request.operation == .average)
  let result = request.rank.map { sum.limited(to: $0) } ?? sum
  try result.save(to: request.output, parts: directories.map(\.path))
  return Combined(
    directory: request.output, modules: result.pairs.count,
    largestRank: result.pairs.map(\.pair.rank).max() ?? 0,
    error: request.rank == nil ? 0 : sum.error(of: result))
}

/// The folder of an adapter: the given one, or `adapter` in a run.
func adapterFolder(_ path: String) -> String {
  let inner = path + "/adapter"
  let isRun = FileManager.default.fileExists(atPath: inner + "/" + PEFTDirectory.configurationName)
  return isRun ? inner : path
}

/// A command that makes no sense, exit 64.
package struct CombineError: ExitCoded, CustomStringConvertible {
  package let description: String
  package var exitCode: ExitCode { .wrongCommandLine }
  init(_ description: String) { self.description = description }
}
