import Foundation
import Glibc
import TestSupport
import Testing

/// First values that are found from data when a run starts.
@Suite("First values from data in a run", .serialized)
struct DataStartRunTests {
  private struct Found: Decodable { let ranks: [String: [String: Int]] }

  /// Twenty-four steps with a checkpoint every four, of an adapter whose start looks at data.
  private static func recipe(_ adapter: String) -> String {
    SmallRun.recipe
      .replacing("freeze_backbone: false", with: "freeze_backbone: true")
      .replacing("data:\n  format", with: "adapter: \(adapter)\ndata:\n  format")
      .replacing("max_steps: 6", with: "max_steps: 24")
      .replacing("eval_every: 3", with: "eval_every: 8")
      .replacing("save_every: 3", with: "save_every: 4")
  }

  private static let adapters = [
    "{method: lora, r: 4, target_modules: [mlp], init: {name: eva, samples: 4}}",
    "{method: lora, r: 4, target_modules: [attention, mlp], init: {name: lora-ga, samples: 4}}",
    "{method: lora-sb, r: 3, target_modules: [attention, mlp], samples: 4, eta: 1e-3}",
  ]

  @Test("every later verb takes the ranks and values of the run", arguments: adapters)
  func verbs(adapter: String) async throws {
    let small = try await SmallRun()
    try small.folder.write(Self.recipe(adapter), to: "recipe.yaml")
    let run = try await small.train()
    let folder = run.hasPrefix("/") ? run : small.folder.path(run)
    let found = try JSONDecoder().decode(
      Found.self, from: Data(contentsOf: URL(filePath: folder + "/adapters.json")))
    let ranks = try #require(found.ranks.values.first)
    #expect(ranks.count > 1)
    // Ranks that eva moves between layers add up to what was asked for.
    let asked = adapter.contains("lora-sb") ? 3 : 4
    #expect(ranks.values.reduce(0, +) == asked * ranks.count, "\(ranks)")
    let evaluated = try await small.attune("eval", run)
    #expect(evaluated.exitCode == 0, "\(evaluated.standardError)")
    let merged = try await small.attune("merge", run, "-o", "merged.safetensors", "--json")
    #expect(merged.exitCode == 0, "\(merged.standardError)")
  }

  @Test(
    "a killed run goes on to the same bytes, whether it came to a checkpoint or not",
    arguments: adapters)
  func killed(adapter: String) async throws {
    let small = try await SmallRun()
    try small.folder.write(Self.recipe(adapter), to: "recipe.yaml")
    func arguments(_ output: String) -> [String] {
      [
        "train", small.folder.path("recipe.yaml"), "--quiet", "--set",
        "output.dir=\(small.folder.path(output))",
      ]
    }
    func file(_ output: String, _ name: String) -> Data? {
      let parent = small.folder.path("\(output)/small")
      let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
      return names.first { $0.hasSuffix("-s0") }
        .flatMap { FileManager.default.contents(atPath: "\(parent)/\($0)/\(name)") }
    }
    func steps(_ output: String) -> Int {
      String(decoding: file(output, "steps.jsonl") ?? Data(), as: UTF8.self)
        .split(separator: "\n").count - 1
    }
    func finish(_ output: String) async throws {
      let ended = try await Binary.run(arguments(output))
      #expect(ended.exitCode == 0, "\(ended.standardError)")
    }
    try await finish("undisturbed")
    let expected = try #require(file("undisturbed", "adapter/adapter_model.safetensors"))
    for step in [1, 9] {
      let output = "killed\(step)"
      let program = try Binary.start(arguments(output))
      #expect(program.signal(SIGKILL) { steps(output) >= step })
      #expect(try await program.outcome(within: .seconds(60)).exitCode == 128 + SIGKILL)
      try await finish(output)
      #expect(file(output, "adapter/adapter_model.safetensors") == expected, "killed at \(step)")
    }
  }
}
