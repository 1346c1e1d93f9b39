import Foundation
import TestSupport
import Testing

/// A folder with a recipe that trains in a second on data that the tool made.
struct SmallRun {
  let folder: TemporaryDirectory

  /// Makes the folder; with 0 trajectories without `data.hdf5`.
  init(trajectories: Int = 8) async throws {
    folder = try TemporaryDirectory()
    try folder.write(Self.recipe, to: "recipe.yaml")
    if trajectories > 0 { try await makeData("data.hdf5", trajectories: trajectories) }
  }

  /// Runs the tool in the folder.
  @discardableResult
  func attune(_ arguments: String...) async throws -> Program.Outcome {
    try await Binary.run(arguments, in: folder.url)
  }

  func makeData(
    _ name: String, trajectories: Int, seed: Int = 0, dt: String = "0.05"
  ) async throws {
    let made = try await attune(
      "data", "make", "pde", "advection", "-o", name, "--trajectories", "\(trajectories)", "--grid",
      "32", "--frames", "6", "--dt", dt, "--seed", "\(seed)", "-q")
    try #require(made.exitCode == 0, "\(made.standardError)")
  }

  /// Trains, and returns the run directory.
  @discardableResult
  func train() async throws -> String {
    let trained = try await attune("train", "recipe.yaml", "-q", "--json")
    try #require(trained.exitCode == 0, "\(trained.standardError)")
    struct Summary: Decodable { let directory: String }
    return try JSONDecoder().decode(Summary.self, from: Data(trained.standardOutput.utf8)).directory
  }

  /// All files below the folder, with their sizes and times of change.
  func files() throws -> [String: String] {
    let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String }
    return try (names ?? []).reduce(into: [:]) { files, name in
      let attributes = try FileManager.default.attributesOfItem(atPath: folder.path(name))
      guard attributes[.type] as? FileAttributeType == .typeRegular else { return }
      files[name] = "\(attributes[.size] ?? 0) \(attributes[.modificationDate] ?? 0)"
    }
  }

  /// A MORPH of 16 channels, six steps on four trajectories.
  static let recipe = """
    version: 1
    name: small
    task: pde
    model:
      backbone:
        {name: morph, patch_size: [1, 1, 8], dim: 16, depth: 1, heads: 2, heads_xa: 2, mlp_dim: 32,
         conv_filter: 8, max_fields: 1, max_components: 1, max_ar: 2, max_patches: 4, dropout: 0,
         emb_dropout: 0}
      weights: none
      freeze_backbone: false
    data:
      format: pdebench
      root: .
      inputs: {state: {path: data.hdf5}}
      n_steps_input: 2
      split: {method: trajectory, counts: [4, 2, 2]}
      batch_size: 8
    train:
      max_steps: 6
      optimizer: {name: adamw, lr: 1e-3}
      eval_every: 3
      save_every: 3
    eval: {rollout_steps: 3, bootstrap: 50}
    distributed: {threads: 1}
    output: {dir: out}
    """
}
