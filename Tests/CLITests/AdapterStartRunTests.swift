import Foundation
import TestSupport
import Testing

/// Runs whose adapter begins with saved values, or changes while it is trained.
@Suite("Adapters in a run")
struct AdapterStartRunTests {
  private func recipe(_ adapter: String, steps: Int = 6) -> String {
    SmallRun.recipe
      .replacing("freeze_backbone: false", with: "freeze_backbone: true")
      .replacing("max_steps: 6", with: "max_steps: \(steps)")
      .replacing("data:", with: "adapter: \(adapter)\ndata:")
  }

  private func firstLoss(_ folder: String) throws -> Double {
    struct Step: Decodable { let loss: Double? }
    let lines = try String(contentsOfFile: folder + "/steps.jsonl", encoding: .utf8)
      .split(separator: "\n")
    return try #require(JSONDecoder().decode(Step.self, from: Data(lines[1].utf8)).loss)
  }

  @Test("goes on from a saved adapter, and refuses one of another rank")
  func start() async throws {
    let small = try await SmallRun()
    try small.folder.write(
      recipe("{method: lora, r: 4, target_modules: [attention, mlp]}", steps: 60)
        .replacing("lr: 1e-3", with: "lr: 3e-2"), to: "recipe.yaml")
    let first = try await small.train()
    let folder = first.hasPrefix("/") ? first : small.folder.path(first)
    let next = "{method: lora, r: 4, target_modules: [attention, mlp], from: \(folder)/adapter}"
    try small.folder.write(recipe(next), to: "recipe.yaml")
    let second = try await small.train()
    let other = second.hasPrefix("/") ? second : small.folder.path(second)
    #expect(other != folder)
    #expect(try firstLoss(other) < 0.9 * firstLoss(folder))
    let evaluated = try await small.attune("eval", second)
    #expect(evaluated.exitCode == 0, "\(evaluated.standardError)")
    let (head, tail) = ("{method: lora, r: 8, target_modules: [attention, mlp], ", "}")
    try small.folder.write(recipe(head + "from: \(folder)/adapter" + tail), to: "recipe.yaml")
    let refused = try await small.attune("train", "recipe.yaml", "-q")
    #expect(refused.exitCode == 65)
    #expect(refused.standardError.contains("r: 8, the file has 4"), "\(refused.standardError)")
    try small.folder.write(recipe(head + "from: \(folder)/nothing" + tail), to: "recipe.yaml")
    let missing = try await small.attune("train", "recipe.yaml", "-q")
    #expect(missing.exitCode == 66, "\(missing.standardError)")
  }

  @Test("trains by a schedule, which makes the run experimental, and reports what changed")
  func schedule() async throws {
    let small = try await SmallRun()
    try small.folder.write(
      recipe(
        "{method: lora, r: 8, target_modules: [attention, mlp], schedule: {name: mosa, splits: 2}}"),
      to: "recipe.yaml")
    let run = try await small.train()
    let folder = run.hasPrefix("/") ? run : small.folder.path(run)
    struct Record: Decodable {
      struct Model: Decodable { let updates: [Update]? }
      struct Update: Decodable {
        let rank: Int
        let effectiveRank: Double
        let relativeNorm: Double
      }
      let experimental: Bool
      let model: Model
    }
    let record = try JSONDecoder().decode(
      Record.self, from: Data(contentsOf: URL(filePath: folder + "/record.json")))
    #expect(record.experimental)
    let updates = try #require(record.model.updates)
    #expect(!updates.isEmpty)
    #expect(
      updates.allSatisfy { $0.rank == 8 && $0.effectiveRank <= 8.001 && $0.relativeNorm >= 0 })
    #expect(updates.contains { $0.effectiveRank >= 1 })
    let report = try String(contentsOfFile: folder + "/report/report.md", encoding: .utf8)
    #expect(report.contains("## What the adapters changed"))
    #expect(report.contains("Experimental:"))
  }

  @Test("refuses a schedule for a method without hidden units")
  func refused() async throws {
    let small = try await SmallRun()
    try small.folder.write(
      recipe("{method: hydra, r: 2, target_modules: [mlp], schedule: mosa}"), to: "recipe.yaml")
    let outcome = try await small.attune("train", "recipe.yaml", "-q")
    #expect(outcome.exitCode == 69)
    #expect(outcome.standardError.contains("has no hidden units to part"))
  }
}
