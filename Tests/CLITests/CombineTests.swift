import Foundation
import TestSupport
import Testing

/// `combine` and `merge` of adapters that runs saved.
@Suite("Combine and merge")
struct CombineTests {
  /// A run with a LoRA adapter, trained from a merged base so that several belong to one.
  private func adapted(_ small: SmallRun, _ name: String, weights: String) async throws -> String {
    let recipe = SmallRun.recipe
      .replacing(
        "name: small",
        with: "name: \(name)\nadapter: {method: lora, r: 2, alpha: 4, target_modules: [mlp]}"
      )
      .replacing("freeze_backbone: false", with: "freeze_backbone: true")
      .replacing("weights: none", with: "weights: \(weights)")
    try small.folder.write(recipe, to: "\(name).yaml")
    let trained = try await small.attune(
      "train", "\(name).yaml", "--seed", name == "one" ? "1" : "2", "-q", "--json")
    try #require(trained.exitCode == 0, "\(trained.standardError)")
    struct Summary: Decodable { let directory: String }
    return try JSONDecoder().decode(Summary.self, from: Data(trained.standardOutput.utf8)).directory
  }

  private struct Combined: Decodable { let modules: Int, largest_rank: Int, error: Double }
  private struct Merged: Decodable { let largest_difference: Double, largest_output: Double }

  @Test("sums open again, ranks can be limited, and a merged file is a base")
  func together() async throws {
    let small = try await SmallRun()
    let base = try await small.train()
    let weights = base + "/merged/model.safetensors"
    let one = try await adapted(small, "one", weights: weights)
    let two = try await adapted(small, "two", weights: weights)
    let sum = try await small.attune("combine", one, two, "-o", "sum", "--json")
    try #require(sum.exitCode == 0, "\(sum.standardError)")
    let exact = try JSONDecoder().decode(Combined.self, from: Data(sum.standardOutput.utf8))
    #expect(exact.largest_rank == 4 && exact.error == 0 && exact.modules == 2)
    let limited = try await small.attune(
      "combine", one, two + "/adapter", "-o", "mean", "--by", "average", "--rank", "1", "--json")
    try #require(limited.exitCode == 0, "\(limited.standardError)")
    let mean = try JSONDecoder().decode(Combined.self, from: Data(limited.standardOutput.utf8))
    #expect(mean.largest_rank == 1 && mean.error > 0)
    #expect(try await small.attune("inspect", "mean").exitCode == 0)
    #expect(try await small.attune("combine", one, two, "-o", "sum").exitCode == 73)
    #expect(try await small.attune("combine", one, "-o", "alone").exitCode == 64)
    let wrong = try await small.attune(
      "combine", one, two, "-o", "w", "--by", "average", "--weights", "0.5", "0.6")
    #expect(wrong.exitCode == 64 && wrong.standardError.contains("add up to 1"))

    let merged = try await small.attune("merge", one, "-o", "one.safetensors", "--json")
    try #require(merged.exitCode == 0, "\(merged.standardError)")
    let difference = try JSONDecoder().decode(Merged.self, from: Data(merged.standardOutput.utf8))
    #expect(difference.largest_difference <= 1e-5 * max(1, difference.largest_output))
    #expect(difference.largest_output > 0)
    #expect(try await small.attune("merge", one, "-o", "one.safetensors").exitCode == 73)
    _ = try await adapted(small, "three", weights: "one.safetensors")
  }
}
