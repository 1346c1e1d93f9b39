import Foundation
import Formats
import TestSupport
import Testing

/// The verbs that look at or use a run, a recipe or data.
@Suite("Verbs")
struct VerbTests {
  private struct Evaluation: Decodable {
    let split: String
    let checkpoint: String
    let step: Int
    let metrics: [String: Double]
    let accepted: [String]
  }

  @Test("train puts its run below the folder that -o names, from where the command was given")
  func output() async throws {
    let small = try await SmallRun()
    let folder = "some where's"
    let trained = try await small.attune(
      "train", "recipe.yaml", "-o", folder, "--set", "train.max_steps=1", "-q", "--json")
    #expect(trained.exitCode == 0, "\(trained.standardError)")
    let runs = try FileManager.default.contentsOfDirectory(
      atPath: small.folder.path(folder + "/small"))
    #expect(!runs.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: small.folder.path("out")))
  }

  @Test("eval of a run gives what train measured, and writes another split beside it")
  func eval() async throws {
    let small = try await SmallRun()
    let run = try await small.train()
    let record = URL(filePath: run + "/record.json")
    struct Record: Decodable, Equatable {
      struct Metric: Decodable, Equatable { let name: String, value: Double }
      struct Evaluation: Decodable, Equatable { let split: String, metrics: [Metric] }
      let evaluations: [Evaluation]
    }
    let before = try JSONDecoder().decode(Record.self, from: Data(contentsOf: record))
    let test: Evaluation = try await json(small, "eval", run, "--json")
    for metric in before.evaluations[0].metrics {
      #expect(test.metrics["test/\(metric.name)"] == metric.value)
    }
    let val: Evaluation = try await json(
      small, "eval", run, "--split", "val", "--checkpoint", "last", "--json")
    #expect(val.split == "val")
    #expect(val.checkpoint == "last")
    #expect(val.step == 6)
    let after = try JSONDecoder().decode(Record.self, from: Data(contentsOf: record))
    #expect(after.evaluations.map(\.split) == ["test", "val"])
    #expect(after.evaluations[0] == before.evaluations[0])
    let report = try String(contentsOfFile: run + "/report/report.md", encoding: .utf8)
    #expect(report.contains("val"))
  }

  @Test("eval of a recipe measures its weights as they are and writes nothing")
  func evalOfRecipe() async throws {
    let small = try await SmallRun()
    let before = try small.files()
    let result: Evaluation = try await json(small, "eval", "recipe.yaml", "--json")
    #expect(result.checkpoint == "as given")
    #expect(result.metrics["test/VRMSE"] ?? 0 > 0)
    #expect(try small.files() == before)
  }

  @Test("eval refuses a run whose data were changed, unless that is accepted")
  func evalOfChangedData() async throws {
    let small = try await SmallRun()
    let run = try await small.train()
    try FileManager.default.removeItem(atPath: small.folder.path("data.hdf5"))
    try await small.makeData("data.hdf5", trajectories: 8, seed: 1)
    let refused = try await small.attune("eval", run)
    #expect(refused.exitCode == 65)
    #expect(refused.standardError.contains("data.hdf5"))
    #expect(refused.standardError.contains("--accept inputs"))
    let result: Evaluation = try await json(small, "eval", run, "--accept", "inputs", "--json")
    #expect(result.accepted.count == 1)
  }

  @Test("predict writes its input's layout, from the frames behind the window")
  func predict() async throws {
    let small = try await SmallRun()
    let run = try await small.train()
    try await small.makeData("new.hdf5", trajectories: 3, seed: 4)
    let done = try await small.attune(
      "predict", run, "new.hdf5", "-o", "predictions", "--steps", "5", "--ood")
    try #require(done.exitCode == 0, "\(done.standardError)")
    let file = try HDF5File(reading: small.folder.path("predictions/new_prediction.hdf5"))
    #expect(try file.dataset("tensor").shape == [3, 5, 32])
    #expect(try file.dataset("tensor").readFloats().allSatisfy(\.isFinite))
    let times = try file.dataset("t-coordinate").readDoubles()
    #expect(zip(times, [0.1, 0.15, 0.2, 0.25, 0.3]).allSatisfy { abs($0 - $1) < 1e-6 })
    let input = try HDF5File(reading: small.folder.path("new.hdf5"))
    #expect(
      try file.dataset("x-coordinate").readDoubles() == input.dataset("x-coordinate").readDoubles())
    #expect(try file.dataset("beta").readDoubles() == input.dataset("beta").readDoubles())
    #expect(try file.dataset("ood/input").shape == [3, 2, 1])
    #expect(try file.dataset("ood/prediction").readFloats().allSatisfy { (0...1).contains($0) })
    #expect(try file.attribute("attune_steps")?.number == 5)
    #expect(try file.attribute("attune_accepted") == nil)
    let digest = try file.attribute("attune_run")?.text
    #expect(digest?.hasPrefix("small ") == true)
    #expect(
      try await small.attune("data", "check", "predictions/new_prediction.hdf5").exitCode == 0)

    let again = try await small.attune("predict", run, "new.hdf5", "-o", "predictions")
    #expect(again.exitCode == 73)
  }

  @Test("predict refuses another time step by name, and writes what was accepted")
  func contract() async throws {
    let small = try await SmallRun()
    let run = try await small.train()
    try await small.makeData("fast.hdf5", trajectories: 2, dt: "0.06")
    let refused = try await small.attune("predict", run, "fast.hdf5", "-o", "predictions")
    #expect(refused.exitCode == 65)
    for part in ["fast.hdf5", "dt: expected 0.05, found 0.06", "--accept dt"] {
      #expect(refused.standardError.contains(part), "\(refused.standardError)")
    }
    #expect(!FileManager.default.fileExists(atPath: small.folder.path("predictions")))
    let done = try await small.attune(
      "predict", run, "fast.hdf5", "-o", "predictions", "--accept", "dt")
    #expect(done.exitCode == 0, "\(done.standardError)")
    let file = try HDF5File(reading: small.folder.path("predictions/fast_prediction.hdf5"))
    #expect(try file.attribute("attune_accepted")?.text == "dt: expected 0.05, found 0.06")
  }

  @Test("predict refuses values far outside those of training")
  func foreignValues() async throws {
    let small = try await SmallRun()
    let run = try await small.train()
    let writer = try HDF5Writer(path: small.folder.path("far.hdf5"))
    try writer.writeDataset(
      "tensor", shape: [1, 3, 32], values: (0..<96).map { 300 + sinf(Float($0)) })
    try writer.finish()
    let refused = try await small.attune("predict", run, "far.hdf5", "-o", "predictions")
    #expect(refused.exitCode == 65)
    #expect(refused.standardError.contains("--accept values.u"), "\(refused.standardError)")
  }

  @Test("predict refuses a run that was normalized with future frames")
  func futureFrames() async throws {
    let small = try await SmallRun()
    let state = "{state: {path: data.hdf5, normalize: per-trajectory}}"
    try small.folder.write(
      SmallRun.recipe.replacing("{state: {path: data.hdf5}}", with: state), to: "recipe.yaml")
    let run = try await small.train()
    let refused = try await small.attune("predict", run, "data.hdf5", "-o", "predictions")
    #expect(refused.exitCode == 69)
    #expect(refused.standardError.contains("per-window"), "\(refused.standardError)")
  }

  @Test("validate says of each recipe whether it can run, and ends with the first fault's code")
  func validate() async throws {
    let small = try await SmallRun()
    try small.folder.write(SmallRun.recipe.replacing("lr:", with: "rl:"), to: "bad.yaml")
    struct Validation: Decodable {
      struct Memory: Decodable { let weights: Int, optimizer: Int, activations: Int }
      let recipe: String
      let valid: Bool
      let errors: [String]
      let total_parameters: Int?
      let memory: Memory?
    }
    let before = try small.files()
    let outcome = try await small.attune("validate", "recipe.yaml", "bad.yaml", "--json")
    #expect(outcome.exitCode == 78)
    let found = try JSONDecoder().decode(
      [Validation].self, from: Data(outcome.standardOutput.utf8))
    #expect(found.map(\.valid) == [true, false])
    #expect(found[1].errors.contains { $0.contains("train.optimizer.lr") })
    let memory = try #require(found[0].memory)
    #expect(memory.weights == 4 * (found[0].total_parameters ?? 0))
    #expect(memory.optimizer == 2 * memory.weights)
    #expect(memory.activations > 0)
    #expect(try small.files() == before)
  }

  @Test("inspect says what each kind of file is")
  func inspect() async throws {
    let small = try await SmallRun()
    let run = try await small.train()
    struct Inspection: Decodable {
      struct Part: Decodable { let name: String, shape: [Int]?, type: String }
      struct Fact: Decodable { let name: String, value: String }
      let kind: String
      let facts: [Fact]
      let parts: [Part]
    }
    let weights: Inspection = try await json(
      small, "inspect", run + "/merged/model.safetensors", "--json")
    #expect(weights.kind == "checkpoint")
    #expect(weights.parts.contains { $0.name == "decoder.linear.weight" && $0.shape == [512, 16] })
    let data: Inspection = try await json(small, "inspect", "data.hdf5", "--json")
    #expect(data.kind == "data")
    #expect(data.parts.contains { $0.name == "tensor" && $0.shape == [8, 6, 32] })
    #expect(data.facts.contains { $0.value.hasPrefix("pdebench: 8 trajectories of 6 frames") })
    let directory: Inspection = try await json(small, "inspect", run, "--json")
    #expect(directory.kind == "run")
    #expect(directory.facts.contains { $0.name == "test/VRMSE" })
    let recipe: Inspection = try await json(small, "inspect", "recipe.yaml", "--json")
    #expect(recipe.kind == "recipe")
    let total = try #require(recipe.facts.first { $0.name == "parameters" })
    #expect(weights.facts.contains { $0.name == "parameters" && $0.value == total.value })
    let state: Inspection = try await json(
      small, "inspect", run + "/checkpoints/last", "--json")
    #expect(state.kind == "training state")
    let foreign = try await small.attune("inspect", small.folder.path)
    #expect(foreign.exitCode == 65)
  }

  @Test(
    "list names what is registered",
    arguments: [
      ("models", "morph"), ("adapters", "lora"), ("tasks", "pde"),
      ("metrics", "VRMSE"), ("recipes", "pde/quickstart/lora"), ("fields", "data.batch_size"),
    ])
  func list(listing: String, name: String) async throws {
    let outcome = try await Binary.run(["list", listing])
    #expect(outcome.exitCode == 0)
    #expect(outcome.standardOutput.split(separator: "\n").contains { $0.hasPrefix(name) })
    #expect(outcome.standardOutput.split(separator: "\n").allSatisfy { $0.count <= 80 })
    struct Item: Decodable { let name: String }
    let items = try JSONDecoder().decode(
      [Item].self,
      from: Data(try await Binary.run(["list", listing, "--json"]).standardOutput.utf8))
    #expect(items.contains { $0.name == name })
  }

  @Test("list names formats and cards of data sets")
  func dataSets() async throws {
    let outcome = try await Binary.run(["list", "datasets"])
    #expect(outcome.standardOutput.split(separator: "\n").allSatisfy { $0.count <= 80 })
    struct Item: Decodable { let name: String }
    struct Listing: Decodable { let formats: [Item], cards: [Item] }
    let listing = try JSONDecoder().decode(
      Listing.self,
      from: Data(try await Binary.run(["list", "datasets", "--json"]).standardOutput.utf8))
    #expect(listing.formats.contains { $0.name == "m3leo" })
    #expect(listing.cards.contains { $0.name == "m3leo" })
  }

  @Test("the schema of recipes is JSON with the sections")
  func schema() async throws {
    let outcome = try await Binary.run(["list", "fields", "--schema"])
    // A recipe with bases is checked by its keys alone, one with several sources by their form.
    struct Form: Decodable { let required: [String] }
    struct Sources: Decodable {
      let then: Form
      let `else`: Form
    }
    struct Schema: Decodable { let `else`: Sources }
    let schema = try JSONDecoder().decode(Schema.self, from: Data(outcome.standardOutput.utf8))
    #expect(schema.else.then.required.contains("model"))
    #expect(schema.else.else.required.contains("train"))
  }

  @Test("copy gives a recipe that means the same at another place, and keeps what exists")
  func copy() async throws {
    let folder = try TemporaryDirectory()
    let copied = try await Binary.run(["copy", "lora", "mine/lora.yaml"], in: folder.url)
    #expect(copied.exitCode == 0, "\(copied.standardError)")
    let shipped = PackageFolder.url("recipes/pde/quickstart/lora.yaml").path
    func resolved(_ path: String) async throws -> String {
      let outcome = try await Binary.run(["train", path, "--print-config"], in: folder.url)
      try #require(outcome.exitCode == 0, "\(outcome.standardError)")
      return outcome.standardOutput
    }
    #expect(try await resolved("mine/lora.yaml") == resolved(shipped))
    let again = try await Binary.run(["copy", "lora", "mine/lora.yaml"], in: folder.url)
    #expect(again.exitCode == 73)
    #expect(again.standardError.contains("--force"))
    let plain = try await Binary.run(["copy", "quickstart/model", "model.yaml"], in: folder.url)
    #expect(plain.exitCode == 0)
    let text = try String(contentsOfFile: folder.path("model.yaml"), encoding: .utf8)
    #expect(text.hasPrefix("# "))
    #expect(!text.contains("{dir: ../../../outputs}"))
    #expect(try await Binary.run(["copy", "nosuch", "x.yaml"], in: folder.url).exitCode == 64)
  }

  @Test("data check and data stats describe what data make wrote")
  func data() async throws {
    let small = try await SmallRun()
    struct Check: Decodable {
      struct Content: Decodable { let trajectories: Int }
      struct Problem: Decodable { let kind: String }
      let format: String, contents: [Content], problems: [Problem]
    }
    let check: Check = try await json(small, "data", "check", "data.hdf5", "--json")
    #expect(check.format == "pdebench" && check.contents.map(\.trajectories) == [8])
    #expect(check.problems.isEmpty)
    let text = try await small.attune("data", "check", "data.hdf5", "--strict")
    #expect(text.exitCode == 0 && text.standardOutput.contains("none"))
    struct Statistics: Decodable { let field: String, count: Int, mean: Double }
    let fields: [Statistics] = try await json(small, "data", "stats", "data.hdf5", "--json")
    #expect(fields.map(\.field) == ["u"])
    #expect(fields[0].count == 8 * 6 * 32)
    #expect(try await small.attune("data", "stats", "data.hdf5", "--format", "x").exitCode == 64)
  }

  @Test("help fits into 80 columns")
  func help() async throws {
    let verbs = [
      "bench", "copy", "data", "doctor", "eval", "inspect", "list", "predict", "report", "train",
    ]
    for arguments in [[]] + (verbs + ["validate", "verify"]).map({ [$0] }) {
      let outcome = try await Binary.run(arguments + ["--help"])
      #expect(outcome.exitCode == 0)
      let wide = outcome.standardOutput.split(separator: "\n").filter { $0.count > 80 }
      #expect(wide.isEmpty, "\(arguments): \(wide)")
    }
  }

  private func json<Value: Decodable>(
    _ small: SmallRun, _ arguments: String...
  ) async throws -> Value {
    let outcome = try await Binary.run(arguments, in: small.folder.url)
    try #require(outcome.exitCode == 0, "\(outcome.standardError)")
    return try JSONDecoder().decode(Value.self, from: Data(outcome.standardOutput.utf8))
  }
}
