import Foundation
import Glibc
import Tensors
import TestSupport
import Testing

@Suite("A run that is killed", .serialized)
struct KillTests {
  private let folder: TemporaryDirectory

  init() async throws {
    folder = try TemporaryDirectory()
    try folder.write(Self.recipe, to: "recipe.yaml")
    let made = try await Binary.run(
      [
        "data", "make", "pde", "advection", "-o", folder.path("advection.hdf5"), "--trajectories",
        "20", "--grid", "32", "--frames", "8", "--dt", "0.05", "--quiet",
      ])
    try #require(made.exitCode == 0, "\(made.standardError)")
  }

  /// 60 steps of LoRA on a very small MORPH, with a dropout and a schedule that see the step.
  private static let recipe = """
    version: 1
    name: killed
    seed: 3
    task: pde
    model:
      backbone:
        {name: morph, patch_size: [1, 1, 4], dim: 16, depth: 1, heads: 2, heads_xa: 2,
         mlp_dim: 32, max_fields: 1, max_components: 1, max_ar: 1, max_patches: 8}
      weights: none
    adapter: {method: lora, r: 2, dropout: 0.1, modules_to_save: [norm1, norm2]}
    data:
      format: pdebench
      root: .
      inputs: {state: {path: advection.hdf5, normalize: zscore}}
      split: {method: trajectory, counts: [16, 2, 2]}
      batch_size: 16
    train:
      max_steps: 60
      optimizer: {name: adamw, lr: 1e-2}
      lr_scheduler: {name: cosine, warmup_steps: 5}
      save_every: 5
      eval_every: 12
    eval: {bootstrap: 10}
    distributed: {threads: 1}
    output: {dir: outputs}
    """

  private func arguments(output: String) -> [String] {
    [
      "train", folder.path("recipe.yaml"), "--quiet", "--set",
      "output.dir=\(folder.path(output))",
    ]
  }

  /// The run's own folder, once it is there.
  private func runFolder(_ output: String) -> URL? {
    let parent = folder.url.appending(path: "\(output)/killed")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
    return names.first { $0.hasSuffix("-s3") }.map { parent.appending(path: $0) }
  }

  private func lines(_ output: String, _ name: String) -> [Substring] {
    let file = runFolder(output)?.appending(path: name).path ?? ""
    let data = FileManager.default.contents(atPath: file) ?? Data()
    return String(decoding: data, as: UTF8.self).split(separator: "\n")
  }

  /// Everything of a run that may not depend on its interruptions.
  private func result(_ output: String) throws -> [Data] {
    let run = try #require(runFolder(output))
    let adapter = try Data(
      contentsOf: run.appending(path: "adapter/adapter_model.safetensors"))
    return [adapter, Data(lines(output, "steps.jsonl").joined(separator: "\n").utf8)]
  }

  private func finish(_ output: String) async throws {
    let ended = try await Binary.run(arguments(output: output))
    #expect(ended.exitCode == 0, "\(ended.standardError)")
  }

  /// Starts a run and sends a signal once the given step is written; whether it was still running.
  private func interrupt(_ output: String, at step: Int, with signal: Int32) async throws -> Int32 {
    let program = try Binary.start(arguments(output: output))
    _ = program.signal(signal) { lines(output, "steps.jsonl").count > step }
    return try await program.outcome(within: .seconds(60)).exitCode
  }

  @Test("at any of 20 steps goes on to the same bytes")
  func killed() async throws {
    try await finish("undisturbed")
    let expected = try result("undisturbed")
    #expect(lines("undisturbed", "steps.jsonl").count == 61)
    var random = Philox(seed: 20, purpose: .shuffle, step: 0, index: 0)
    let steps = random.permutation(57).prefix(20).map { $0 + 1 }
    for (number, step) in steps.enumerated() {
      let output = "killed\(number)"
      var exitCode = try await interrupt(output, at: step, with: SIGKILL)
      // On a busy machine a run may end before the signal reaches it: it is begun again.
      for _ in 0..<4 where exitCode == 0 {
        try FileManager.default.removeItem(at: folder.url.appending(path: output))
        exitCode = try await interrupt(output, at: step, with: SIGKILL)
      }
      #expect(exitCode == 128 + SIGKILL, "not killed at step \(step)")
      try await finish(output)
      #expect(try result(output) == expected, "killed at step \(step)")
      try FileManager.default.removeItem(at: folder.url.appending(path: output))
    }
  }

  @Test("twice, once before its first checkpoint, does too")
  func killedTwice() async throws {
    try await finish("undisturbed")
    #expect(try await interrupt("twice", at: 1, with: SIGKILL) == 128 + SIGKILL)
    #expect(try await interrupt("twice", at: 23, with: SIGKILL) == 128 + SIGKILL)
    try await finish("twice")
    #expect(try result("twice") == result("undisturbed"))
  }

  @Test("politely stops with a checkpoint and code 75, and goes on to the same bytes")
  func terminated() async throws {
    try await finish("undisturbed")
    #expect(try await interrupt("stopped", at: 17, with: SIGTERM) == 75)
    let run = try #require(runFolder("stopped"))
    let status = try String(contentsOf: run.appending(path: "status.json"), encoding: .utf8)
    #expect(status.contains("\"state\" : \"stopped\""), "\(status)")
    let steps = lines("stopped", "steps.jsonl").count - 1
    #expect((17..<60).contains(steps))
    #expect(status.contains("\"step\" : \(steps)"), "\(status)")
    try await finish("stopped")
    #expect(try result("stopped") == result("undisturbed"))
  }

  @Test("is not begun again once it is finished")
  func finished() async throws {
    try await finish("undisturbed")
    let before = try result("undisturbed")
    let again = try await Binary.run(arguments(output: "undisturbed"))
    #expect(again.exitCode == 73, "\(again.standardError)")
    #expect(try result("undisturbed") == before)
  }
}
