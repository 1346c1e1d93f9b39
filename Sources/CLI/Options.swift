import ArgumentParser
import Foundation
import Launch

/// Options of verbs that print results.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print the result as JSON.")
  var json = false
}

/// Options of verbs that read a recipe.
struct RecipeOptions: ParsableArguments {
  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Change a field: train.epochs=3, or ~train.ema to remove it.", valueName: "path=value"))
  var changes: [String] = []

  @Option(help: "Threads to use (distributed.threads).")
  var threads: Int?

  @Option(help: "Seed of the run (seed).")
  var seed: Int?

  @Option(help: ArgumentHelp("auto, never or a checkpoint (train.resume).", valueName: "how"))
  var resume: String?

  /// All changes in the order in which they win.
  var overrides: [String] {
    changes + (threads.map { ["distributed.threads=\($0)"] } ?? [])
      + (seed.map { ["seed=\($0)"] } ?? []) + (resume.map { ["train.resume=\($0)"] } ?? [])
  }
}

/// Where a run goes.
struct FolderOption: ParsableArguments {
  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("Folder of all runs (output.dir).", valueName: "folder"))
  var output: String?

  /// The change of the recipe, which holds from wherever the command was given.
  var overrides: [String] {
    guard let output else { return [] }
    let path = URL(filePath: output).standardized.path
    return ["output.dir='\(path.replacing("'", with: "''"))'"]
  }
}

/// How much a verb says while it works.
struct LogOptions: ParsableArguments {
  enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

  @Flag(name: .shortAndLong, help: "Say nothing while working.")
  var quiet = false

  @Option(help: "Form of progress lines: text or json.")
  var logFormat = Format.text

  /// How progress is shown on standard error.
  var style: ProgressReporter.Style {
    quiet ? .silent : logFormat == .json ? .json : .forStandardError
  }
}
