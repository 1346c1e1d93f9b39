import Foundation
import TestSupport
import Testing

@Suite("Validating a sweep")
struct ValidateSweepTests {
  @Test("every run is checked, and what is wrong told under its label")
  func members() async throws {
    let small = try await SmallRun()
    try small.folder.write(
      SmallRun.recipe + "\nsweep:\n  train.optimizer.lr: [1e-3, 1e-2]\n  seeds: [0, 1]\n",
      to: "recipe.yaml")
    let sound = try await small.attune("validate", "recipe.yaml")
    #expect(sound.exitCode == 0, "\(sound.standardError)")
    #expect(sound.standardOutput.contains("a sweep of 4 runs"))
    try small.folder.write(
      SmallRun.recipe + "\nsweep: {data.n_steps_input: [2, 99]}\n", to: "recipe.yaml")
    let wrong = try await small.attune("validate", "recipe.yaml")
    #expect(wrong.exitCode == 78, "\(wrong.standardError)")
    #expect(wrong.standardError.contains("n_steps_input=99: "), "\(wrong.standardError)")
    try small.folder.write(
      SmallRun.recipe + "\nsweep: {seeds: [0, 1, 2], max_runs: 2}\n", to: "recipe.yaml")
    let large = try await small.attune("validate", "recipe.yaml")
    #expect(large.exitCode == 78)
    #expect(large.standardError.contains("max_runs"), "\(large.standardError)")
  }
}
