import Foundation
import TestSupport
import Testing

/// Ranks that are found from data when a run starts.
@Suite("Contribution in a run")
struct ContributionRunTests {
  private struct Found: Decodable { let ranks: [String: [String: Int]] }

  @Test(
    "finds ranks once, within the budget, and every later verb takes them",
    arguments: ["taylor", "faig"])
  func ranks(source: String) async throws {
    let small = try await SmallRun()
    let recipe = SmallRun.recipe
      .replacing("freeze_backbone: false", with: "freeze_backbone: true")
      .replacing(
        "data:",
        with: """
          adapter:
            method: colora-restoration
            target_modules: [attention, mlp]
            init: {name: contribution, source: \(source), samples: 3, steps: 4, tune_steps: 3,
                   tune_lr: 1e-2, budget: 0.4}
          data:
          """)
    try small.folder.write(recipe, to: "recipe.yaml")
    let run = try await small.train()
    let folder = run.hasPrefix("/") ? run : small.folder.path(run)
    let found = try JSONDecoder().decode(
      Found.self, from: Data(contentsOf: URL(filePath: folder + "/adapters.json")))
    let ranks = try #require(found.ranks["colora-restoration"])
    #expect(Set(ranks.values).count > 1, "\(ranks)")
    let evaluated = try await small.attune("eval", run)
    #expect(evaluated.exitCode == 0, "\(evaluated.standardError)")
    let merged = try await small.attune("merge", run, "-o", "merged.safetensors")
    #expect(merged.exitCode == 0, "\(merged.standardError)")
    let listed = try await small.attune("list", "adapters")
    #expect(listed.standardOutput.contains("colora-restoration"))
  }

  @Test("is refused beside a method that finds its first values itself")
  func refused() async throws {
    let small = try await SmallRun()
    let recipe = SmallRun.recipe.replacing(
      "data:", with: "adapter: {method: gated-lora, target_modules: [mlp], init: pissa}\ndata:")
    try small.folder.write(recipe, to: "recipe.yaml")
    let outcome = try await small.attune("validate", "recipe.yaml")
    #expect(outcome.exitCode == 78)
    #expect(outcome.standardError.contains("finds its first values itself"))
  }
}
