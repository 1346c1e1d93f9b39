import Foundation
import TestSupport
import Testing

@Suite("The verbs import, init and diff")
struct ImportVerbTests {
  @Test("import lists every key, and ends with 65 where the result would change")
  func imported() async throws {
    let folder = try TemporaryDirectory()
    try folder.write(
      """
      {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["qkv"],
       "base_model_name_or_path": "timm/vit_tiny_patch16_224", "coffee": true}
      """, to: "adapter_config.json")
    func run(_ arguments: String...) async throws -> Program.Outcome {
      try await Binary.run(["import", "adapter_config.json"] + arguments, in: folder.url)
    }
    let refused = try await run("-o", "recipe.yaml")
    #expect(refused.exitCode == 65)
    #expect(refused.standardError.contains("coffee"))
    #expect(!FileManager.default.fileExists(atPath: folder.path("recipe.yaml")))
    let partial = try await run("-o", "recipe.yaml", "--partial", "--json")
    #expect(partial.exitCode == 0, "\(partial.standardError)")
    struct Imported: Decodable {
      struct Key: Decodable { let key: String, fate: String, changes_result: Bool }
      let format: String
      let keys: [Key]
    }
    let found = try JSONDecoder().decode(Imported.self, from: Data(partial.standardOutput.utf8))
    #expect(found.format == "peft")
    #expect(found.keys.first { $0.key == "r" }?.fate == "mapped")
    #expect(found.keys.first { $0.key == "coffee" }?.changes_result == true)
    // What is there stays.
    #expect(try await run("-o", "recipe.yaml", "--partial").exitCode == 73)
    let absent = try await Binary.run(["import", "no.yaml"], in: folder.url)
    #expect(absent.exitCode == 66)
  }

  @Test("init writes a recipe that was tried, and replaces none")
  func started() async throws {
    let small = try await SmallRun()
    let made = try await small.attune("init", "data.hdf5", "-o", "start.yaml", "--json")
    #expect(made.exitCode == 0, "\(made.standardError)\(made.standardOutput)")
    let text = try String(contentsOfFile: small.folder.path("start.yaml"), encoding: .utf8)
    #expect(text.contains("task: pde") && text.contains("# PLACEHOLDER"))
    #expect(try await small.attune("init", "data.hdf5", "-o", "start.yaml").exitCode == 73)
    #expect(try await small.attune("init", "nothing.hdf5").exitCode == 66)
  }

  @Test("diff names the first step that differs, and ends with 0")
  func compared() async throws {
    let small = try await SmallRun()
    let first = try await small.train()
    let trained = try await small.attune(
      "train", "recipe.yaml", "-q", "--json", "--set", "train.optimizer.lr=2e-3")
    #expect(trained.exitCode == 0, "\(trained.standardError)")
    struct Summary: Decodable { let directory: String }
    let second = try JSONDecoder().decode(
      Summary.self, from: Data(trained.standardOutput.utf8)
    ).directory
    struct Difference: Decodable {
      struct Step: Decodable { let step: Int }
      let equal: Bool
      let cause: String?
      let step: Step?
    }
    let outcome = try await small.attune("diff", first, second, "--json")
    #expect(outcome.exitCode == 0)
    let found = try JSONDecoder().decode(Difference.self, from: Data(outcome.standardOutput.utf8))
    #expect(!found.equal && found.cause == "recipe" && found.step?.step == 1)
    let same = try await small.attune("diff", first, first)
    #expect(same.exitCode == 0 && same.standardOutput.contains("All 6 steps"))
    #expect(try await small.attune("diff", first, "nowhere").exitCode == 66)
    #expect(try await small.attune("diff", first, ".").exitCode == 65)
  }
}
