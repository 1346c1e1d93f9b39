import Attune
import Foundation
import Recipes
import TestSupport
import Testing
import Training

/// Trajectories in a folder, and a recipe that adapts the last two of four blocks of a MORPH on them.
struct CachedRun {
  let folder: TemporaryDirectory

  init(trajectories: Int = 10) throws {
    folder = try TemporaryDirectory()
    var request = MakePDERequest(equation: "advection", trajectories: trajectories, seed: 1)
    request.cells = 32
    request.frames = 7
    request.interval = 0.05
    try makePDEData(request, at: folder.path("data.hdf5"), replacing: false) { _ in }
    try folder.write(Self.recipe, to: "recipe.yaml")
  }

  /// What a run left, and what it said.
  struct Outcome {
    let exitCode: ExitCode
    let steps: [StepEvent]
    let evaluations: [MetricsEvent]
    let messages: [String]
    let adapter: Data?
  }

  static let cached = "train.cache_frozen_features=true"

  /// Trains, in `output`; stops before the step after `stop`.
  func train(
    _ output: String, _ overrides: [String] = [], stopAfter stop: Int = .max
  ) throws -> Outcome {
    var messages: [String] = []
    var asked = 0
    let result = try Attune.train(
      TrainRequest(
        recipe: folder.path("recipe.yaml"),
        overrides: ["output.dir=\(folder.path(output))"] + overrides),
      shouldStop: {
        asked += 1
        return asked > stop
      }, message: { messages.append($0) })
    func lines(_ name: String) throws -> [Substring] {
      try String(contentsOfFile: result.directory.path + "/" + name, encoding: .utf8)
        .split(separator: "\n")
    }
    let decoder = JSONDecoder()
    return Outcome(
      exitCode: result.exitCode,
      steps: try lines("steps.jsonl").dropFirst().map {
        try decoder.decode(StepEvent.self, from: Data($0.utf8))
      },
      evaluations: try lines("metrics.jsonl").compactMap {
        try? decoder.decode(MetricsEvent.self, from: Data($0.utf8))
      }, messages: messages,
      adapter: FileManager.default.contents(
        atPath: result.directory.path + "/adapter/adapter_model.safetensors"))
  }

  /// Files of features below an output folder, sorted.
  func files(_ output: String) -> [String] {
    let path = folder.path(output + "/.cache/features")
    return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
      .map { path + "/" + $0 }
  }

  private static let recipe = """
    version: 1
    name: cached
    seed: 3
    task: pde
    model:
      backbone:
        {name: morph, patch_size: [1, 1, 4], dim: 32, depth: 4, heads: 2, heads_xa: 2,
         mlp_dim: 64, max_fields: 1, max_components: 1, max_ar: 2, max_patches: 8, dropout: 0,
         emb_dropout: 0}
      weights: none
    adapter: {method: lora, r: 2, dropout: 0.1, layers_to_transform: [2, 3]}
    data:
      format: pdebench
      root: .
      inputs: {state: {path: data.hdf5, normalize: zscore}}
      n_steps_input: 2
      split: {method: trajectory, counts: [7, 2, 1]}
      batch_size: 6
    train:
      max_steps: 24
      optimizer: {name: adamw, lr: 1e-3}
      eval_every: 6
      save_every: 5
    eval: {bootstrap: 10}
    distributed: {threads: 2}
    """
}
