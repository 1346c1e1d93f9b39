import Attune
import Foundation
import Formats
import Recipes
import TestSupport
import Testing

@Suite("Where two runs part")
struct DiffTests {
  /// A recipe of four steps on pictures, and runs of it that differ in single things.
  private struct Pair {
    let scene: TaskScene
    let recipe: String

    init() throws {
      scene = try TaskScene(16)
      recipe = try scene.recipe(
        "classification",
        data: """
          inputs: {image: {path: "class/*/*.png"}}
          split: {method: stratified, fractions: [0.5, 0.25, 0.25]}
          """)
    }

    /// Trains a few steps into a folder of its own.
    func run(_ folder: String, _ overrides: [String] = [], recipe: String? = nil) throws -> String {
      let result = try train(
        TrainRequest(
          recipe: recipe ?? self.recipe,
          overrides: [
            "train.max_steps=4", "eval.bootstrap=0", "output.dir=\(scene.folder.path(folder))",
          ]
            + overrides))
      return result.directory.path
    }
  }

  @Test("equal runs are equal, bit for bit")
  func equal() throws {
    let pair = try Pair()
    let difference = try runDifference(pair.run("a"), pair.run("b"))
    #expect(difference.isEqual && difference.cause == nil && difference.step == nil)
    #expect(difference.comparedSteps == 4)
    #expect(difference.sentence.contains("4 steps"))
  }

  @Test("another seed: other starting values")
  func seed() throws {
    let pair = try Pair()
    let difference = try runDifference(pair.run("a"), pair.run("b", ["seed=9"]))
    #expect(difference.cause == .startingValues)
    #expect(difference.sentence.contains("seed 3 against 9"), "\(difference.sentence)")
    #expect(difference.step?.step == 1)
  }

  @Test("another split seed: other samples")
  func order() throws {
    let pair = try Pair()
    let difference = try runDifference(pair.run("a"), pair.run("b", ["data.split.seed=5"]))
    #expect(difference.cause == .batchOrder)
    #expect(difference.sentence.contains("data.split.seed"), "\(difference.sentence)")
    #expect(difference.step?.differing.first?.name == "batch")
  }

  @Test("one changed picture: the same samples hold other values")
  func content() throws {
    let pair = try Pair()
    let first = try pair.run("a")
    // A picture of the training part gets those of another.
    let file = "class/bright/p0.png"
    let other = try Data(contentsOf: URL(filePath: pair.scene.folder.path("class/dark/p1.png")))
    let own = try Data(contentsOf: URL(filePath: pair.scene.folder.path(file)))
    try other.write(to: URL(filePath: pair.scene.folder.path(file)))
    let second = try pair.run("b")
    try own.write(to: URL(filePath: pair.scene.folder.path(file)))
    let difference = try runDifference(first, second)
    // Statistics are of the training part: a picture of another part would change nothing.
    #expect(difference.data.map(\.name) == [file])
    if difference.step != nil {
      #expect(difference.cause == .dataContent)
      #expect(difference.sentence.contains(file), "\(difference.sentence)")
    } else {
      Issue.record("p0 is not in the training part: choose another")
    }
  }

  @Test("another rate: the recipe, by its field")
  func recipe() throws {
    let pair = try Pair()
    let difference = try runDifference(
      pair.run("a"), pair.run("b", ["train.optimizer.lr=0.001", "train.log_every=7"]))
    #expect(difference.cause == .recipe)
    #expect(difference.sentence.contains("train.optimizer.lr 0.003 against 0.001"))
    #expect(!difference.sentence.contains("log_every"))
    #expect(difference.fields.map(\.name).contains("train.log_every"))
    #expect(difference.step?.differing.map(\.name) == ["lr"])
  }

  @Test("other threads: the machine, and how far apart")
  func environment() throws {
    let pair = try Pair()
    let first = try pair.run("a", ["distributed.threads=1"])
    let second = try pair.run("b", ["distributed.threads=2"])
    let difference = try runDifference(first, second)
    #expect(difference.environment.map(\.name) == ["threads"])
    #expect(difference.step == nil || difference.cause == .environment)
    // What only the record says is found as well.
    var changed = try String(contentsOfFile: first + "/environment.json", encoding: .utf8)
    changed = changed.replacing("\"threads\" : 1", with: "\"threads\" : 3")
    try changed.write(toFile: first + "/environment.json", atomically: true, encoding: .utf8)
    var steps = try String(contentsOfFile: second + "/steps.jsonl", encoding: .utf8)
      .split(separator: "\n").map(String.init)
    let last = try #require(steps.last)
    let event = try JSONLines.event(StepEvent.self, in: last, file: "", number: 0)
    let moved = StepEvent(
      step: event.step, batch: event.batch, loss: event.loss * (1 + 1e-7),
      gradientNorm: event.gradientNorm, learningRate: event.learningRate)
    steps[steps.count - 1] = JSONLines.line(moved).trimmingCharacters(in: .newlines)
    try (steps.joined(separator: "\n") + "\n").write(
      toFile: second + "/steps.jsonl", atomically: true, encoding: .utf8)
    let found = try runDifference(first, second)
    #expect(found.cause == .environment)
    #expect(found.sentence.contains("threads 3 against 2"), "\(found.sentence)")
  }

  @Test("a resumed run is equal, and the step it went on from is listed")
  func resumed() throws {
    let pair = try Pair()
    let whole = try pair.run("a", ["train.save_every=2"])
    let folder = ["train.save_every=2", "output.dir=\(pair.scene.folder.path("b"))"]
    let request = TrainRequest(
      recipe: pair.recipe, overrides: ["train.max_steps=4", "eval.bootstrap=0"] + folder)
    var asked = 0
    let stopped = try train(
      request,
      shouldStop: {
        asked += 1
        return asked > 2
      })
    #expect(stopped.record == nil)
    let resumed = try train(request)
    let difference = try runDifference(whole, resumed.directory.path)
    #expect(difference.isEqual, "\(difference.text)")
    #expect(difference.resumed.first?.first == "never" && difference.resumed.first?.second == "2")
  }

  @Test("what is no run is refused")
  func refused() throws {
    let folder = try TemporaryDirectory()
    #expect(throws: FormatError.self) { try runDifference(folder.path("no"), folder.path("no")) }
    #expect(throws: RunError.self) { try runDifference(folder.path, folder.path) }
  }
}
