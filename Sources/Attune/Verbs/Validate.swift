import Adapters
import Foundation
import Recipes
import Tensors

/// What `validate` found for one recipe.
package struct Validation: Codable, Sendable {
  package var recipe: String
  package var isValid: Bool
  /// One line per error; empty for a valid recipe.
  package var errors: [String]
  /// 0, or the code that `train` would end with.
  package var exitCode: Int32
  package var trainableParameters: Int?
  package var totalParameters: Int?
  package var steps: Int?
  /// Estimate of the memory that training takes; nil for an invalid recipe.
  package var memory: MemoryEstimate?

  private enum CodingKeys: String, CodingKey {
    case recipe, errors, steps, memory
    case isValid = "valid"
    case exitCode = "exit_code"
    case trainableParameters = "trainable_parameters"
    case totalParameters = "total_parameters"
  }
}

/// Bytes that training takes, from one micro batch forward and backward on one thread.
package struct MemoryEstimate: Codable, Sendable, Equatable {
  package var weights: Int
  /// Two moments per trained value.
  package var optimizer: Int
  /// Trajectories kept in memory, activations and gradients: the peak of one micro batch without the
  /// weights.
  package var activations: Int

  package var total: Int { weights + optimizer + activations }
}

/// Makes every check of a run without training or writing: fields, files, shapes, patterns, weights,
/// and one micro batch forward and backward.
package func validation(of recipe: String, overrides: [String] = []) -> Validation {
  do {
    let request = TrainRequest(recipe: recipe, overrides: overrides)
    let found = try dryRunResult(request)
    let bytes = MemoryLayout<Float>.size
    let weights = bytes * found.totalParameters
    return Validation(
      recipe: recipe, isValid: true, errors: [], exitCode: ExitCode.done.rawValue,
      trainableParameters: found.trainableParameters, totalParameters: found.totalParameters,
      steps: found.steps,
      memory: MemoryEstimate(
        weights: weights, optimizer: 2 * bytes * found.trainableParameters,
        activations: max(0, found.peakTensorBytes - weights)))
  } catch {
    return Validation(
      recipe: recipe, isValid: false,
      errors: "\(error)".split(separator: "\n").map(String.init),
      exitCode: (programExitCode(of: error) ?? .internalError).rawValue)
  }
}

extension Validation {
  /// One line for a valid recipe, or its errors.
  package var text: String {
    guard let memory, let trainableParameters, let totalParameters, let steps else {
      return (["invalid \(recipe)"] + errors.map { "  \($0)" }).joined(separator: "\n")
    }
    let megabytes = memory.total / 1_000_000
    return """
      valid   \(recipe)
        \(trainableParameters) of \(totalParameters) parameters trained, \(steps) steps, about \
      \(megabytes) MB
      """
  }
}
