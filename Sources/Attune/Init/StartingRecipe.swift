import Foundation
import Formats
import Recipes

/// A recipe that `init` wrote for data, and what it could not know.
package struct StartingRecipe: Codable, Sendable {
  package var data: String
  /// What the data are, in words.
  package var kind: String
  package var recipe: String
  /// Placeholders, and fields whose value was chosen without knowing.
  package var unknown: [RecipePlaceholder]
  /// What a dry run with random weights found; nil where it failed.
  package var check: DryRun?
  /// What the dry run says; empty where it passed.
  package var problems: [String]
  /// The code of the problem; 0 without one.
  package var exitCode: Int32

  private enum CodingKeys: String, CodingKey {
    case data, kind, recipe, unknown, check, problems
    case exitCode = "exit_code"
  }
}

/// Writes a recipe for the data at a path, and tries it with random weights.
///
/// - Parameters:
///   - path: A file or folder.
///   - output: The recipe to write; nil writes none.
///   - replacing: Whether a file that is there may be replaced.
/// - Returns: the recipe, what it could not know, and what the trial found.
/// - Throws: `FormatError.fileMissing`, `.outputExists`; `CommandLineError` for data of no known layout.
package func startingRecipe(
  for path: String, output: String?, replacing: Bool = false
) throws -> StartingRecipe {
  let folder = try SurveyedFolder(path)
  if let output, !replacing, FileManager.default.fileExists(atPath: output) {
    throw FormatError.outputExists(path: output, replacing: "Pass --force to replace it")
  }
  for survey in DataSurveys.all {
    guard var draft = try survey.draft(of: folder) else { continue }
    let name = URL(filePath: FilePath.absolute(path, relativeTo: FilePath.current))
      .deletingPathExtension().lastPathComponent
    draft.set("data.root", .text(folder.root))
    draft.complete(name: name)
    let text = draft.yaml(head: head(survey.kind, draft))
    if let output { try writeNewRecipe(text, to: output, replacing: replacing) }
    var found = StartingRecipe(
      data: path, kind: survey.kind, recipe: text, unknown: draft.placeholders, check: nil,
      problems: [], exitCode: 0)
    try found.tryOut(output)
    return found
  }
  throw CommandLineError(
    description: "\(path): no known layout of data. Expected class folders or pairs of images and "
      + "labels (PNG, GeoTIFF), a table beside images, a scene (.mat, ENVI), trajectories (HDF5) or a "
      + "tree of M3LEO; see `attune list datasets`")
}

extension StartingRecipe {
  /// One batch forward and backward with random weights.
  fileprivate mutating func tryOut(_ output: String?) throws {
    let scratch = FileManager.default.temporaryDirectory.appending(
      path: "attune-init-\(UUID().uuidString).yaml"
    ).path
    let file = output ?? scratch
    if output == nil { try writeAtomically(Data(recipe.utf8), to: scratch) }
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    do {
      check = try dryRunResult(TrainRequest(recipe: file, overrides: ["model.weights=none"]))
    } catch {
      problems = "\(error)".split(separator: "\n").map(String.init)
      exitCode = (programExitCode(of: error) ?? .internalError).rawValue
    }
  }
}

private func head(_ kind: String, _ draft: RecipeDraft) -> [String] {
  ["A start, from a look at the data: \(kind)."]
    + (draft.placeholders.isEmpty
      ? [] : ["Lines under PLACEHOLDER and NOT KNOWN want your answer before a result counts."])
    + ["  attune validate RECIPE; attune train RECIPE"]
}
