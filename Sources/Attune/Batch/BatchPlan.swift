import Foundation
import Launch
import Recipes

/// What the command line gives to `batch`.
package struct BatchRequest: Sendable {
  /// Recipes, and folders of recipes.
  package var paths: [String]
  /// Values of `--set`, in order.
  package var overrides: [String]
  /// Folder of all runs and of the queue; nil for that of the recipes.
  package var output: String?
  /// Processes that work at the same time; nil for one here, and for all that fit under Slurm.
  package var jobs: Int?
  /// How often a crash or a read or write error is followed by another attempt.
  package var retries = 2
  /// Which part of the jobs is queued: number, counted from 1, of how many.
  package var shard: (number: Int, count: Int)?

  package init(paths: [String], overrides: [String] = []) {
    self.paths = paths
    self.overrides = overrides
  }
}

extension SlurmResources {
  /// The fields of a recipe's `distributed`.
  init(_ section: DistributedSection) {
    self.init()
    partition = section.slurm?.partition
    minutes = section.slurm?.minutes
    memory = section.slurm?.memory
    account = section.slurm?.account
    lines = section.slurm?.options ?? []
    threads = section.threads
    nodes = section.nodes
    ranksPerNode = section.ranksPerNode
  }
}

/// All runs that recipes and their sweeps describe, each recipe read in full and found right.
package struct BatchPlan: Sendable {
  package struct Run: Sendable {
    /// The recipe's name.
    package let name: String
    /// What tells it from the other runs of its sweep; else empty.
    package let label: String
    let job: BatchJob
    /// What it asks of Slurm.
    let resources: SlurmResources

    package var command: String { job.command }
  }

  /// Output folder, which holds the queue.
  package let output: String
  package let runs: [Run]
  package let notes: [String]

  /// Reads all recipes.
  ///
  /// - Throws: `BatchError` with all that is wrong with any of them.
  package init(_ request: BatchRequest) throws(BatchError) {
    let found = try Self.files(of: request.paths)
    let output = request.output.map { Self.output($0) }
    let overrides = request.overrides.map { Override($0) } + (output.map { [$0] } ?? [])
    var (runs, outputs, failures) = ([Run](), [String](), Failures())
    for file in found.files {
      let members = failures.collecting(file) { try Self.members(of: file, overrides) } ?? []
      for member in members {
        let changes = overrides + member.changes
        guard
          let plan = failures.collecting(
            file, { try RunPlan(file: file, overrides: changes) })
        else { continue }
        let folder = plan.recipe.output.directory
        outputs.append(folder)
        // Written out, since whoever runs the job may stand in another folder.
        let place = output == nil ? [Self.output(folder)] : []
        runs.append(
          Run(
            name: plan.recipe.name, label: member.label,
            job: BatchJob(recipe: file, changes: changes + place),
            resources: SlurmResources(plan.recipe.distributed)))
      }
    }
    if let error = failures.error { throw error }
    let folders = Set(outputs).sorted()
    guard folders.count < 2 else { throw .severalOutputs(folders) }
    self.output = folders.first ?? FilePath.absolute("outputs", relativeTo: FilePath.current)
    notes = found.notes
    self.runs = runs.enumerated().filter { number, _ in
      request.shard.map { number % $0.count == $0.number - 1 } ?? true
    }.map(\.element)
  }

  /// The change that says where runs go, the same from wherever it is given.
  private static func output(_ folder: String) -> Override {
    let path = FilePath.absolute(folder, relativeTo: FilePath.current)
    return Override("output.dir=\(PlainValue.text(path).json)", directory: "/")
  }

  /// The runs of a recipe: its sweep's, or one without changes.
  static func members(
    of file: String, _ overrides: [Override]
  ) throws -> [(label: String, changes: [Override])] {
    let diagnostics = Diagnostics()
    let recipe = try RecipeLoader(cardDirectory: ShippedCards.folder()).load(
      file: file, overrides: overrides, diagnostics)
    guard let sweep = recipe.sweep else { return [("", [])] }
    let members = sweep.members(diagnostics)
    try diagnostics.throwErrors()
    return members.map { ($0.label, $0.changes) }
  }

  /// The recipes that paths mean, and what was left out.
  private static func files(
    of paths: [String]
  ) throws(BatchError) -> (files: [String], notes: [String]) {
    var (files, notes) = ([String](), [String]())
    for path in paths {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue
      else {
        files.append(path)
        continue
      }
      let names = ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
      let recipes = names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
        .map { (path.hasSuffix("/") ? path : path + "/") + $0 }
      let bases = Set(recipes.flatMap(RecipeLoader.bases))
      let own = recipes.filter {
        !bases.contains(FilePath.absolute($0, relativeTo: FilePath.current))
      }
      guard !own.isEmpty else { throw .noRecipes(folder: path) }
      notes += recipes.filter { !own.contains($0) }.map {
        "\($0): left out, since other recipes here build on it; name it to run it"
      }
      files += own
    }
    return (files, notes)
  }
}

/// Errors of several recipes; those that all runs of a sweep share are kept once.
private struct Failures {
  private var lines: [String] = []
  private var files: Set<String> = []
  private var codes: Set<ExitCode> = []

  mutating func collecting<Value>(_ file: String, _ body: () throws -> Value) -> Value? {
    do {
      return try body()
    } catch {
      for line in "\(error)".split(separator: "\n").map(String.init) where !lines.contains(line) {
        lines.append(line)
      }
      files.insert(file)
      codes.insert(programExitCode(of: error) ?? .internalError)
      return nil
    }
  }

  var error: BatchError? {
    guard !lines.isEmpty else { return nil }
    let code = codes.count == 1 ? codes.first ?? .invalidRecipe : .invalidRecipe
    return .invalid(errors: lines, recipes: files.count, exitCode: code)
  }
}
