import Foundation
import Formats
import TestSupport
import Testing

/// Whatever is wrong with its input, `train` ends with the code of the fault and one message, and
/// writes nothing.
@Suite("Bad input")
struct BadInputTests {
  @Test("a missing recipe: 66")
  func missingRecipe() async throws {
    try await expect(66, saying: "nowhere.yaml", "no such file", from: "nowhere.yaml")
  }

  @Test("a missing data file: 66, with the files that are there")
  func missingData() async throws {
    let small = try await SmallRun()
    try await expect(
      66, saying: "other.hdf5", "data.hdf5", "data.inputs.NAME.path", in: small,
      "--set", "data.inputs.state.path=other.hdf5")
  }

  @Test("missing weights: 66")
  func missingWeights() async throws {
    let small = try await SmallRun()
    try await expect(
      66, saying: "none.safetensors", "no such file", in: small,
      "--set", "model.weights=none.safetensors")
  }

  @Test("HDF5 without the expected dataset: 65, with what it has")
  func missingDataset() async throws {
    let small = try await SmallRun(trajectories: 0)
    try write([8, 6, 32], named: "temperature", in: small)
    try await expect(65, saying: "data.hdf5", "`tensor`", "temperature", "data.format", in: small)
  }

  @Test("a dataset of another rank: 65, with its shape")
  func wrongRank() async throws {
    let small = try await SmallRun(trajectories: 0)
    try write([8, 32], named: "tensor", in: small)
    try await expect(65, saying: "'tensor'", "[8, 32]", "expected 3 axes", in: small)
  }

  @Test("a NaN among the data: 65, with its trajectory and frame")
  func notFinite() async throws {
    let small = try await SmallRun(trajectories: 0)
    try write([8, 6, 32], named: "tensor", in: small, badAt: (1 * 6 + 3) * 32 + 5)
    try await expect(
      65, saying: "NaN or infinity in trajectory data.hdf5#1, frame 3, field 'u'", in: small,
      "--set", "data.split.counts=[8, 0, 0]")
  }

  @Test("two unknown keys: 78, each with its line and the nearest key")
  func unknownKeys() async throws {
    let small = try await SmallRun()
    let text = SmallRun.recipe.replacing("batch_size", with: "bathc_size")
      .replacing("max_steps", with: "max_stepps")
    try small.folder.write(text, to: "recipe.yaml")
    let lines = text.split(separator: "\n")
    let first = (lines.firstIndex { $0.contains("bathc_size") } ?? 0) + 1
    let second = (lines.firstIndex { $0.contains("max_stepps") } ?? 0) + 1
    let message = try await expect(
      78, saying: "recipe.yaml:\(first):", "data.batch_size", "recipe.yaml:\(second):",
      "train.max_steps", lines: nil, in: small)
    #expect(message.split(separator: "\n").count <= 4, "\(message)")
  }

  @Test("target_modules that match nothing: 78, with the groups")
  func noTargets() async throws {
    let small = try await SmallRun()
    let adapter = "\nadapter: {method: lora, r: 2, target_modules: [qkv_of_nothing]}\n"
    try small.folder.write(SmallRun.recipe + adapter, to: "recipe.yaml")
    try await expect(
      78, saying: "adapter.target_modules", "'qkv_of_nothing'", "attention", in: small)
  }

  @Test("train.lr_groups that match nothing: 78, before anything is written")
  func noRateGroup() async throws {
    let small = try await SmallRun()
    try await expect(
      78, saying: "train.lr_groups", "'nothing'", in: small,
      "--set", "train.lr_groups=[{match: [nothing], lr: 1e-4}]")
  }

  @Test("a monitored metric that is not measured: 78, before anything is written")
  func unmeasuredMonitor() async throws {
    let small = try await SmallRun()
    try await expect(
      78, saying: "train.monitor", "val/PSNR", "VRMSE", in: small,
      "--set", "train.monitor=val/PSNR")
  }

  @Test("a checkpoint of another size: 65, with key and both shapes")
  func otherSize() async throws {
    let small = try await SmallRun()
    let run = try await small.train()
    try await expect(
      65, saying: "model.safetensors", "patch_embedding.projection.weight", "[16, 4096]",
      "[32, 4096]",
      "model.backbone", in: small,
      "--set", "model.backbone.dim=32", "--set", "model.weights=\(run)/merged/model.safetensors")
  }

  @Test("an output that exists: 73, with the ways out")
  func outputExists() async throws {
    let small = try await SmallRun()
    let run = try await small.train()
    try await expect(73, saying: run, "finished", "output.if_exists", in: small)
  }

  @Test(
    "a wrong command line: 64",
    arguments: [["train"], ["nosuch"], ["train", "a.yaml", "--nosuch"], ["list", "nosuch"]])
  func commandLine(arguments: [String]) async throws {
    let folder = try TemporaryDirectory()
    let outcome = try await Binary.run(arguments, in: folder.url)
    #expect(outcome.exitCode == 64)
    #expect(outcome.standardOutput.isEmpty)
    #expect(outcome.standardError.contains("Usage: attune"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }

  /// Runs `train` and checks code, message and that no file was written or changed.
  @discardableResult
  private func expect(
    _ code: Int32, saying parts: String..., lines: Int? = 1, in small: SmallRun? = nil,
    from recipe: String = "recipe.yaml", _ arguments: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> String {
    let small = if let small { small } else { try await SmallRun() }
    let before = try small.files()
    let outcome = try await Binary.run(["train", recipe, "-q"] + arguments, in: small.folder.url)
    let message = outcome.standardError
    #expect(outcome.exitCode == code, "\(message)", sourceLocation: sourceLocation)
    #expect(outcome.standardOutput.isEmpty, sourceLocation: sourceLocation)
    #expect(message.hasPrefix("attune: "), "\(message)", sourceLocation: sourceLocation)
    for part in parts {
      #expect(
        message.contains(part), "no '\(part)' in: \(message)", sourceLocation: sourceLocation)
    }
    if let lines {
      #expect(
        message.split(separator: "\n").count == lines, "\(message)",
        sourceLocation: sourceLocation)
    }
    #expect(try small.files() == before, sourceLocation: sourceLocation)
    let hasOutput = FileManager.default.fileExists(atPath: small.folder.path("out"))
    #expect(
      hasOutput == before.keys.contains { $0.hasPrefix("out/") }, "an empty output folder",
      sourceLocation: sourceLocation)
    return message
  }

  /// A dataset of a rising sine, with NaN at one place where asked for.
  private func write(
    _ shape: [Int], named name: String, in small: SmallRun, badAt bad: Int? = nil
  ) throws {
    var values = (0..<shape.reduce(1, *)).map { sinf(Float($0) / 7) }
    if let bad { values[bad] = .nan }
    let writer = try HDF5Writer(path: small.folder.path("data.hdf5"))
    try writer.writeDataset(name, shape: shape, values: values)
    try writer.finish()
  }
}
