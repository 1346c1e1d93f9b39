import Adapters
import Checkpoints
import Datasets
import Foundation
import Formats
import Recipes
import Training

/// A run read back from its directory: its recipe with absolute paths, its contract, its weights.
struct FinishedRun {
  let directory: RunDirectory
  let status: RunDirectory.Status
  let contract: Contract
  /// Normalization takes the numbers that the run stored, whatever lies under its data's paths now.
  let plan: RunPlan

  init(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw FormatError.fileMissing(path: path)
    }
    directory = RunDirectory(path: FilePath.absolute(path, relativeTo: FilePath.current))
    status = try directory.read(RunDirectory.Status.self, from: "status.json")
    contract = try directory.read(Contract.self, from: "contract.json")
    var plan = try RunPlan(file: directory.file("recipe.resolved.yaml"), overrides: [])
    for (place, source) in plan.data.sources.enumerated() {
      let inputs = contract.inputs(
        of: source.name, isOnly: plan.data.sources.count == 1)
      guard !inputs.isEmpty else {
        throw RunError.notARun(
          path: path, reason: "contract.json has no input of '\(source.name)'")
      }
      plan.data.sources[place].set = source.set.normalizing(
        by: inputs, target: contract.target)
    }
    self.plan = plan
  }

  /// The model for the shapes of its contract, with first values.
  func assemble() throws -> AssembledModel {
    let shapes = sampleShapes
    return try plan.model.assemble(
      for: plan.dataShape([shapes]), outputs: plan.outputs(contract.target),
      inputs: shapes.keys.sorted(),
      ranks: plan.model.looksAtData
        ? try directory.read(FoundRanks.self, from: FoundRanks.fileName) : nil,
      startsAdapters: false)
  }

  /// Inputs of the first source by name.
  var inputs: [String: InputContract] {
    let sources = plan.data.sources
    return contract.inputs(of: sources[0].name, isOnly: sources.count == 1)
  }

  /// Shape of one sample of each input of the first source.
  var sampleShapes: [String: [Int]] { inputs.mapValues(\.sampleShape) }

  /// Gives a model the weights of a checkpoint, and says which it was and of which step.
  ///
  /// `name` is `best` or `last`; nil takes the recipe's, or `last` where a run never had a best one.
  func restore(
    _ model: AssembledModel, checkpoint name: String?
  ) throws -> (name: String, step: Int) {
    let folder = CheckpointFolder(path: directory.file("checkpoints"))
    let wanted = name ?? plan.recipe.evaluation.checkpoint.rawValue
    let candidates = name == nil ? [wanted, "last"] : [wanted]
    for candidate in candidates {
      guard let path = folder.linked(candidate) else { continue }
      let state = try LoadedState(path, digest: status.digest)
      try state.restore(model.state)
      return (candidate, state.state.step)
    }
    throw RunError.notARun(
      path: directory.path,
      reason: "it has no checkpoint '\(wanted)'. Train it to a checkpoint, or choose another")
  }
}
