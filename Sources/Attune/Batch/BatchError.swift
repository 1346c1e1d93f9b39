package import Recipes

/// Why a batch is not begun.
package enum BatchError: ExitCoded, Equatable {
  /// What is wrong with the recipes, one line per error.
  case invalid(errors: [String], recipes: Int, exitCode: ExitCode)
  /// A folder without recipes.
  case noRecipes(folder: String)
  /// Recipes of one batch that write to several folders.
  case severalOutputs([String])

  package var exitCode: ExitCode {
    switch self {
    case .invalid(_, _, let code): code
    case .noRecipes: .inputMissing
    case .severalOutputs: .invalidRecipe
    }
  }
}

extension BatchError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .invalid(let errors, let recipes, _):
      "nothing was queued, since \(recipes) \(recipes == 1 ? "recipe has" : "recipes have") errors:\n"
        + errors.joined(separator: "\n")
    case .noRecipes(let folder):
      "\(folder): expected recipes (*.yaml or *.yml) in the folder, found none. Name a recipe, or a "
        + "folder that holds some"
    case .severalOutputs(let folders):
      "the recipes write to \(folders.count) folders (\(folders.joined(separator: ", "))), but a "
        + "batch has one queue in one folder. Give -o, or one batch for each"
    }
  }
}
