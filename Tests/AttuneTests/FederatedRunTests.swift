import Adapters
import Attune
import Checkpoints
import Foundation
import Launch
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Runs of clients in rounds")
struct FederatedRunTests {
  private static let lora = "adapter={method: lora, r: 2, target_modules: [attn.qkv, mlp.fc1]}"

  /// Forty pictures of two classes, of which four clients have parts.
  private func recipe(_ scene: TaskScene) throws -> String {
    try scene.recipe(
      "classification",
      data: """
        inputs: {image: {path: "class/*/*.png"}}
        split: {method: stratified, fractions: [0.6, 0.2, 0.2]}
        """)
  }

  private func federated(
    _ aggregation: String, rounds: Int = 3, clients: String = "(p1|p2|p3|p)"
  ) -> [String] {
    [
      "federated={rounds: \(rounds), aggregation: \(aggregation), clients: '\(clients)'}",
      "train.max_steps=4", "train.save_total_limit=10", "eval.checkpoint=last",
    ]
  }

  private func weights(_ run: String, step: String) throws -> SafetensorsFile {
    try SafetensorsFile(path: "\(run)/checkpoints/\(step)/state.safetensors")
  }

  @Test("flora: rounds move the base, and adapter holds all of them beside the base as it was")
  func stacked() throws {
    let scene = try TaskScene()
    let (run, record) = try scene.train(
      try recipe(scene), [Self.lora, "train.lr_scheduler=constant"] + federated("flora"))
    let federated = try #require(record.federated)
    #expect(federated.clients.map(\.name).sorted() == ["p", "p1", "p2", "p3"])
    #expect(federated.clients.reduce(0) { $0 + $1.samples } == 24)
    #expect(federated.rounds.map(\.number) == [1, 2, 3])
    #expect(federated.rounds.map(\.lastStep) == [16, 32, 48] && record.steps == 48)
    for round in federated.rounds {
      #expect(try #require(round.inexactness) < 1e-5)
      // Pairs of rank 2 on qkv and fc1 of two blocks, and the head of two classes.
      let pairs = 2 * 2 * ((32 + 96) + (32 + 128))
      let head = record.model.trainableParameters - pairs
      #expect(head > 0)
      #expect(round.bytesUp == 4 * 4 * (pairs + head))
      #expect(round.bytesDown == 4 * 4 * (4 * pairs + head))
    }
    let (first, last) = (
      try weights(run, step: "step_00000000"), try weights(run, step: "step_00000048")
    )
    let sum = try AdapterSum(
      [PEFTDirectory(reading: run + "/adapter")], weights: [1], averagesSaved: false)
    #expect(sum.pairs.count == 4 && sum.pairs.allSatisfy { $0.pair.rank == 3 * 4 * 2 })
    for (module, pair) in sum.pairs {
      let key = "parameter.\(module).weight"
      let moved = try last.tensor(key) - first.tensor(key)
      let wanted = matrixProduct(pair.up, pair.down)
      #expect(moved.largestMagnitude > 1e-4)
      #expect(moved.largestDifference(from: wanted) < 1e-5 * max(0.1, moved.largestMagnitude))
    }
    #expect(!sum.saved.isEmpty, "the head")
    // What is read back from the run is what was measured.
    let again = try evaluate(EvalRequest(subject: run)).metrics["test/Accuracy_Micro"]
    #expect(again == record.evaluations[0].metrics.first { $0.name == "Accuracy_Micro" }?.value)
    let report = try String(contentsOfFile: run + "/report/report.md", encoding: .utf8)
    #expect(report.contains("Rounds of clients"))
    let error = #expect(throws: ExportError.self) {
      _ = try export(
        ExportRequest(run: run, output: scene.folder.path("peft"), format: .peft))
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("adapter"))
  }

  @Test("a run that stops in a round goes on as if it never had")
  func resumed() throws {
    let scene = try TaskScene()
    let overrides = [Self.lora] + federated("fedavg")
    let whole = try scene.train(try recipe(scene), overrides + ["name=whole"])
    func part(stopAfter stop: Int) throws -> TrainResult {
      var asked = 0
      return try Attune.train(
        TrainRequest(recipe: try recipe(scene), overrides: overrides + ["name=parts"]),
        shouldStop: {
          asked += 1
          return asked > stop
        })
    }
    let first = try part(stopAfter: 22)
    #expect(first.exitCode == .stopped && first.record == nil)
    let checkpoints = CheckpointFolder(path: first.directory.path + "/checkpoints")
    #expect(checkpoints.steps == [0, 16], "the second round had begun")
    let second = try part(stopAfter: .max)
    let record = try #require(second.record)
    #expect(record.federated == whole.record.federated)
    #expect(record.evaluations[0].metrics == whole.record.evaluations[0].metrics)
    func steps(_ run: String) throws -> [Substring] {
      try String(contentsOfFile: run + "/steps.jsonl", encoding: .utf8).split(separator: "\n")[...]
        .map { $0 }
    }
    #expect(try steps(second.directory.path) == steps(whole.directory))
  }

  @Test("fed-sb sends r² values a weight; fedavg says what it loses; lora-fair loses less")
  func bytes() throws {
    let scene = try TaskScene()
    let recipe = try recipe(scene)
    let small = try scene.train(
      recipe,
      ["adapter={method: lora-xs, r: 3, target_modules: [attn.qkv]}"]
        + federated("fed-sb", rounds: 1) + ["name=sb"]
    ).record
    let round = try #require(small.federated?.rounds.first)
    let head = small.model.trainableParameters - 2 * 9
    #expect(round.bytesUp == 4 * 4 * (2 * 9 + head) && round.bytesDown == round.bytesUp)
    #expect(try #require(round.inexactness) < 1e-5)
    let lost = try ["fedavg", "lora-fair"].map { name in
      let record = try scene.train(
        recipe, [Self.lora] + federated(name, rounds: 2) + ["name=\(name)"]
      ).record
      #expect(record.experimental == (name == "lora-fair"))
      return try #require(record.federated?.rounds.last?.inexactness)
    }
    #expect(lost[0] > 1e-4 && lost[1] < lost[0])
  }

  @Test("each of several sources is a client")
  func sources() throws {
    let scene = try TaskScene()
    let recipe = try scene.recipe(
      "classification",
      data: """
        split: {method: stratified, fractions: [0.6, 0.2, 0.2]}
        target: {class_names: [bright, dark]}
        sources:
          - {name: north, inputs: {image: {path: "class/*/p1*.png"}}}
          - {name: south, inputs: {image: {path: "class/*/p2*.png"}}}
        """)
    let record = try scene.train(
      recipe,
      [Self.lora, "federated={rounds: 2}", "train={epochs: 2, optimizer: {name: adamw, lr: 3e-3}}"]
    ).record
    let federated = try #require(record.federated)
    #expect(federated.aggregation == "fedavg")
    #expect(federated.clients.map(\.name) == ["north", "south"])
    #expect(federated.localSteps == 2 && record.steps == 8)
  }

  @Test(
    "what makes no clients is refused with the field",
    arguments: [
      ("federated={rounds: 2}", "data source"),
      ("federated={rounds: 2, clients: 'p1'}", "federated.clients"),
      ("federated={rounds: 2, clients: '(q.)'}", "federated.clients"),
      ("federated={rounds: 2, clients: '(p)'}", "one client"),
      ("federated={rounds: 2, clients: '(p1|p)', aggregation: fed-sb}", "lora-sb"),
      ("federated={rounds: 2, clients: '(p1|p)', aggregation: flora2}", "flora"),
    ])
  func refusals(setting: String, named: String) throws {
    let scene = try TaskScene(20)
    let error = #expect(throws: (any Error).self) {
      _ = try scene.train(try recipe(scene), [Self.lora, setting, "train.max_steps=2"])
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains(named))
    #expect(!FileManager.default.fileExists(atPath: scene.folder.path("runs/classification")))
  }

  @Test("a run of layers of few bits is exported as whole numbers with their grids")
  func lowBit() throws {
    let scene = try TaskScene()
    let (run, _) = try scene.train(
      try recipe(scene),
      [
        "adapter={method: efficientdm, r: 2, weight_bits: 3, target_modules: [mlp.fc1]}",
        "train.max_steps=6",
      ])
    let output = scene.folder.path("low")
    let exported = try export(ExportRequest(run: run, output: output, format: .lowBit))
    let file = try SafetensorsFile(path: output + "/model.safetensors")
    #expect(exported.tensors == file.names.count)
    let layer = try LowBitLayer(file, module: "blocks.0.mlp.fc1")
    #expect(layer.weight.bits == 3 && layer.shape == [128, 32] && layer.input?.bits == 8)
    #expect(file.entry("blocks.0.mlp.fc1.weight") == nil && file.entry("head.weight") != nil)
    let bytes = try #require(file.entry("blocks.0.mlp.fc1.weight_codes")).shape
    #expect(bytes == [128 * 32 * 3 / 8])
    let listing = try String(contentsOfFile: output + "/quantization.json", encoding: .utf8)
    #expect(listing.contains("\"blocks.1.mlp.fc1\""))
    let error = #expect(throws: AdapterError.self) {
      _ = try merge(run: run, to: scene.folder.path("m.safetensors"), replaces: false)
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains("low-bit"))
  }
}
