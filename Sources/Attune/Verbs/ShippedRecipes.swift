import Foundation
import Formats
import Recipes

/// The recipes that come with the program, in the folder `recipes` of its package or where
/// `ATTUNE_RECIPES` points.
package struct ShippedRecipes {
  package struct Entry: Sendable {
    /// Path below the folder without `.yaml`, as `pde/quickstart/lora`.
    package let name: String
    /// The comment line that it opens with.
    package let summary: String
    fileprivate let path: String
  }

  /// Sorted by name.
  package let all: [Entry]

  /// - Throws: `CommandLineError` where no folder of recipes is found.
  package init(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    guard
      let folder = ShippedFolder.find(
        "recipes", variable: "ATTUNE_RECIPES", environment: environment)
    else {
      throw CommandLineError(
        description:
          "no folder of recipes found above \(ShippedFolder.executable.path). Set ATTUNE_RECIPES to "
          + "the folder `recipes` of the package")
    }
    guard let content = FileManager.default.enumerator(atPath: folder) else {
      throw FormatError.fileMissing(path: folder)
    }
    let names = content.compactMap { $0 as? String }.filter { $0.hasSuffix(".yaml") }.sorted()
    all = names.map { name in
      let path = folder + "/" + name
      let lines = (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n")
      let comment = lines?.first.map(String.init) ?? ""
      return Entry(
        name: String(name.dropLast(".yaml".count)),
        summary: comment.hasPrefix("#") ? comment.trimmingPrefix("#").trimmed : "", path: path)
    }
  }

  /// The recipe of that name, or the only one whose name ends with it.
  package func entry(named name: String) throws -> Entry {
    let found = all.filter { $0.name == name }
    let candidates = found.isEmpty ? all.filter { $0.name.hasSuffix("/" + name) } : found
    guard candidates.count == 1 else {
      let known = (candidates.isEmpty ? all : candidates).map(\.name)
      throw CommandLineError(
        description:
          "\(name): \(candidates.isEmpty ? "no" : "more than one") shipped recipe is called "
          + "so. Choose one of \(known.joined(separator: ", "))")
    }
    return candidates[0]
  }

  /// Writes a recipe to a file of the user's, bases merged and paths leading to the same places.
  ///
  /// - Throws: `FormatError.cannotCreate` where the file exists and is not to be replaced.
  package func copy(_ name: String, to path: String, replacing: Bool) throws {
    let entry = try entry(named: name)
    if !replacing, FileManager.default.fileExists(atPath: path) {
      throw FormatError.outputExists(path: path, replacing: "Pass --force to replace it")
    }
    try FileManager.default.createDirectory(
      atPath: FilePath.directory(of: path), withIntermediateDirectories: true)
    try writeAtomically(
      Data(try RecipeLoader().copy(of: entry.path, for: path).utf8), to: path)
  }
}

extension StringProtocol {
  fileprivate var trimmed: String { trimmingCharacters(in: .whitespaces) }
}
