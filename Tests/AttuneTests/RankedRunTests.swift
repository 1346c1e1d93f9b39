import Attune
import Foundation
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Runs by several ranks")
struct RankedRunTests {
  private static let split = "split: {method: random, fractions: [0.6, 0.2, 0.2]}"
  private static let decoder = TaskScene.vit + "\ndecoder: linear-transpose"

  /// A task with its data, and changes that make losses look at the whole batch.
  struct Case: Sendable, CustomTestStringConvertible {
    let task: String
    let data: String
    var model = TaskScene.vit
    var overrides: [String] = []
    var testDescription: String { task }
  }

  static let cases = [
    Case(task: "classification", data: #"inputs: {image: {path: "class/*/*.png"}}"#),
    Case(
      task: "multilabel",
      data: """
        inputs: {image: {path: "image/*.png"}}
        target: {path: table.csv, column: tags}
        """),
    Case(
      task: "segmentation",
      data: """
        inputs: {image: {path: "image/*.png"}}
        target: {path: "patchy/*.png", class_names: [ground, square], ignore_index: 9}
        """, model: decoder,
      overrides: ["train.loss=[{name: cross-entropy, class_weights: balanced}, {name: dice}]"]),
    Case(
      task: "pixel-regression",
      data: """
        inputs: {image: {path: "height/*.tif"}}
        target: {path: "height/*.tif"}
        """, model: decoder, overrides: ["data.format=geotiff"]),
  ]

  private func trained(
    _ recipe: String, _ output: String, _ overrides: [String], by count: Int
  ) throws -> RunRecord {
    let results = try LocalRanks.run(count) { ranks in
      var request = TrainRequest(recipe: recipe, overrides: overrides + ["output.dir=\(output)"])
      request.ranks = ranks
      return try train(request)
    }
    #expect(results.dropFirst().allSatisfy { $0.record == nil && $0.exitCode == .done })
    return try #require(results[0].record)
  }

  @Test("give the metrics of one process with batches as large", arguments: cases)
  func equality(tested: Case) throws {
    let scene = try TaskScene()
    let recipe = try scene.recipe(
      tested.task, data: tested.data + "\n" + Self.split, model: tested.model)
    let overrides =
      tested.overrides + ["train.max_steps=12", "train.eval_every=6", "distributed.threads=1"]
    let one = try trained(
      recipe, scene.folder.path("one"), overrides + ["data.batch_size=6"], by: 1)
    let many = try trained(
      recipe, scene.folder.path("many"),
      overrides + ["data.batch_size=2", "distributed.backend=mpi"], by: 3)
    #expect(one.notes.allSatisfy { !$0.contains("ranks") })
    #expect(many.notes.contains { $0.hasPrefix("Batches of 6 samples") && $0.contains("3 ranks") })
    let (a, b) = (try #require(one.evaluations.first), try #require(many.evaluations.first))
    #expect(a.unitIdentifiers == b.unitIdentifiers)
    #expect(!a.metrics.isEmpty && a.metrics.map(\.name) == b.metrics.map(\.name))
    for (a, b) in zip(a.metrics, b.metrics) {
      #expect(
        abs(a.value - b.value) <= 1e-4 * max(1, abs(a.value)) || a.value.isNaN && b.value.isNaN,
        "\(a.name): \(a.value), \(b.value)")
    }
    let steps = try ["one", "many"].map { folder in
      let root = scene.folder.path("\(folder)/\(tested.task)")
      let run = try #require(
        try FileManager.default.contentsOfDirectory(atPath: root).first {
          $0.contains("-s")
        })
      return try String(contentsOfFile: "\(root)/\(run)/steps.jsonl", encoding: .utf8)
        .split(separator: "\n").dropFirst().map { line in
          try JSONDecoder().decode(Step.self, from: Data(line.utf8))
        }
    }
    #expect(steps[0].count == 12)
    for (a, b) in zip(steps[0], steps[1]) {
      #expect(a.batch == b.batch)
      #expect(abs(a.loss - b.loss) <= 1e-5 * max(1, abs(a.loss)), "step \(a.step)")
    }
  }

  private struct Step: Decodable {
    let step: Int
    let batch: String
    let loss: Double
  }

  @Test("go on under another number of ranks with the batches that they began with")
  func resume() throws {
    let scene = try TaskScene()
    let recipe = try scene.recipe(
      "classification", data: #"inputs: {image: {path: "class/*/*.png"}}"# + "\n" + Self.split)
    let overrides = ["train.max_steps=12", "data.batch_size=2", "train.save_every=4"]
    let straight = try trained(recipe, scene.folder.path("straight"), overrides, by: 3)
    let output = scene.folder.path("broken")
    let stopped = try LocalRanks.run(3) { ranks in
      var request = TrainRequest(recipe: recipe, overrides: overrides + ["output.dir=\(output)"])
      request.ranks = ranks
      var asked = 0
      return try train(
        request,
        shouldStop: {
          asked += 1
          return ranks.rank == 2 && asked > 6
        })
    }
    #expect(stopped[0].exitCode == .stopped && stopped[0].directory.status?.step == 6)
    #expect(stopped[0].directory.status?.ranks == 3)
    let resumed = try trained(recipe, output, overrides, by: 2)
    for (a, b) in zip(resumed.evaluations[0].metrics, straight.evaluations[0].metrics) {
      #expect(abs(a.value - b.value) <= 1e-4, "\(a.name)")
    }
    // A finished run is that of three ranks; one of two would be another.
    #expect(throws: RankedError.self) {
      try LocalRanks.run(2) { ranks in
        var request = TrainRequest(recipe: recipe, overrides: overrides + ["output.dir=\(output)"])
        request.ranks = ranks
        do { _ = try train(request) } catch { throw RankedError(text: "\(error)") }
      }
    }
  }

  private struct RankedError: Error { let text: String }

  @Test("refuse what needs the whole batch in one process")
  func refusal() throws {
    let scene = try TaskScene()
    let recipe = try scene.recipe(
      "classification", data: #"inputs: {image: {path: "class/*/*.png"}}"# + "\n" + Self.split)
    let messages = try LocalRanks.run(2) { ranks -> String in
      var request = TrainRequest(
        recipe: recipe, overrides: ["train.optimizer={name: owlore, lr: 1e-3}"])
      request.ranks = ranks
      do { _ = try train(request) } catch { return "\(error)" }
      return ""
    }
    #expect(messages[0] == messages[1])
    #expect(messages[0].contains("train.optimizer: owlore on 2 ranks"))
    #expect(!FileManager.default.fileExists(atPath: scene.folder.path("runs")))
  }
}
