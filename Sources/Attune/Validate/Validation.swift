import Adapters
import Foundation
import Recipes
import Tensors

/// What `validate` found for one recipe.
package struct Validation: Codable, Sendable {
  package var recipe: String
  package var isValid: Bool
  /// Runs that the recipe's sweep describes; nil without a sweep.
  package var runs: Int?
  /// One line per error; empty for a valid recipe.
  package var errors: [String]
  /// 0, or the code that `train` would end with.
  package var exitCode: Int32
  package var trainableParameters: Int?
  package var totalParameters: Int?
  package var steps: Int?
  /// Estimate of the tensors that training takes; nil for an invalid recipe.
  package var memory: MemoryEstimate?
  /// Estimate of the time that the run takes; nil for an invalid recipe.
  package var time: TimeEstimate?
  /// Files that the recipe names and that are not there: what depends on them was not checked.
  package var absentFiles: [String]

  private enum CodingKeys: String, CodingKey {
    case recipe, runs, errors, steps, memory, time
    case isValid = "valid"
    case exitCode = "exit_code"
    case trainableParameters = "trainable_parameters"
    case totalParameters = "total_parameters"
    case absentFiles = "absent_files"
  }
}

/// Bytes that training takes.
package struct MemoryEstimate: Codable, Sendable, Equatable {
  package var weights: Int
  /// Two moments per trained value.
  package var optimizer: Int
  /// Trajectories kept in memory, activations and gradients: the peak of the measured steps without
  /// weights and optimizer.
  package var activations: Int
  /// Largest resident memory of the process over the measured steps and evaluation: what `train` reports
  /// as its peak.
  package var peak: Int

  package var total: Int { peak }

  private enum CodingKeys: String, CodingKey {
    case weights, optimizer, activations, peak
  }
}

/// Makes every check of a run without writing: fields, files, shapes, patterns, weights; a few steps and
/// evaluations give time and memory.
///
/// Errors of the recipe, of its data and of its model are all found, as far as one does not hide another.
///
/// - Parameters:
///   - recipe: its path.
///   - overrides: as of `--set`.
///   - withoutFiles: Whether data and weights that are not there are passed over: the model is then built
///     with random weights.
/// - Returns: errors, or the run's size, time and memory; of a sweep the errors of all runs, under its label,
///   and the size, time and memory of the first.
package func validation(
  of recipe: String, overrides: [String] = [], withoutFiles: Bool = false
) -> Validation {
  let given = overrides.map { Override($0) }
  let members: [(label: String, changes: [Override])]
  do {
    members = try BatchPlan.members(of: recipe, given)
  } catch {
    return Validation(
      recipe: recipe, isValid: false, errors: "\(error)".split(separator: "\n").map(String.init),
      exitCode: (programExitCode(of: error) ?? .internalError).rawValue, absentFiles: [])
  }
  guard members.contains(where: { !$0.changes.isEmpty }) else {
    return validation(
      of: TrainRequest(recipe: recipe, overrides: overrides), withoutFiles: withoutFiles)
  }
  func request(_ changes: [Override]) -> TrainRequest {
    var request = TrainRequest(recipe: recipe, overrides: overrides)
    request.changes = changes
    return request
  }
  var found = validation(of: request(members[0].changes), withoutFiles: withoutFiles)
  found.runs = members.count
  found.errors = found.errors.map { "\(members[0].label): \($0)" }
  for member in members.dropFirst() {
    let check = RecipeCheck(request(member.changes), withoutFiles: withoutFiles)
    for problem in check.problems {
      let code = programExitCode(of: problem) ?? .internalError
      if found.isValid { found.exitCode = code.rawValue }
      found.isValid = false
      found.errors += "\(problem)".split(separator: "\n").map { "\(member.label): \($0)" }
    }
    found.absentFiles += check.absentFiles.filter { !found.absentFiles.contains($0) }
  }
  return found
}

/// The same of one run.
private func validation(of request: TrainRequest, withoutFiles: Bool) -> Validation {
  resetPeakResident()
  let recipe = request.recipe
  let check = RecipeCheck(request, withoutFiles: withoutFiles)
  var found = Validation(
    recipe: recipe, isValid: check.problems.isEmpty,
    errors: check.problems.flatMap { "\($0)".split(separator: "\n").map(String.init) },
    exitCode: check.problems.first.map { programExitCode(of: $0) ?? .internalError }?.rawValue ?? 0,
    absentFiles: check.absentFiles)
  if let model = check.model {
    found.trainableParameters = model.adapted.trainableCount
    found.totalParameters = model.adapted.totalCount
  }
  guard found.isValid, let session = check.session else { return found }
  do {
    let measured = try RunMeasurement(session, opening: check.openingSeconds)
    let bytes = MemoryLayout<Float>.size
    let weights = bytes * session.model.adapted.totalCount
    let optimizer = 2 * bytes * session.model.adapted.trainableCount
    found.steps = try session.allSteps()
    found.memory = MemoryEstimate(
      weights: weights, optimizer: optimizer,
      activations: max(0, measured.peakTensorBytes - weights - optimizer),
      peak: measured.peakResidentBytes)
    found.time = measured.time
  } catch {
    found.isValid = false
    found.errors = "\(error)".split(separator: "\n").map(String.init)
    found.exitCode = (programExitCode(of: error) ?? .internalError).rawValue
  }
  return found
}

/// Sets the mark of the process's largest memory back to what it has now, as far as the system lets it.
private func resetPeakResident() {
  Allocator.shared.trim()
  Allocator.shared.resetPeak()
  try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))
}

extension Validation {
  /// A few lines for a valid recipe, or its errors.
  package var text: String {
    guard isValid else {
      return (["invalid \(recipe)"] + errors.map { "  \($0)" }).joined(separator: "\n")
    }
    var lines = ["valid   \(recipe)"]
    if let runs { lines.append("  a sweep of \(runs) runs, all checked; of the first:") }
    if let trainableParameters, let totalParameters {
      let length = steps.map { ", \($0) steps" } ?? ""
      lines.append("  \(trainableParameters) of \(totalParameters) parameters trained\(length)")
    }
    if let memory, let time {
      lines.append("  about \(memory.peak / 1_000_000) MB and \(time.text)")
    }
    lines += absentFiles.map { "  not there, and what depends on it unchecked: \($0)" }
    return lines.joined(separator: "\n")
  }
}
