import Attune
import Foundation
import Recipes
import TestSupport
import Testing

@Suite("Cached frozen features")
struct FrozenFeaturesTests {
  /// Relative difference of two losses or metrics; products of another number of rows may round
  /// otherwise.
  private static let tolerance = 1e-6

  private func expectEqual(_ a: CachedRun.Outcome, _ b: CachedRun.Outcome) {
    #expect(a.steps.count == b.steps.count)
    for (x, y) in zip(a.steps, b.steps) {
      #expect(x.batch == y.batch)
      #expect(
        abs(x.loss - y.loss) <= Self.tolerance * y.loss, "step \(x.step): \(x.loss), \(y.loss)")
    }
    #expect(a.evaluations.count == b.evaluations.count)
    for (x, y) in zip(a.evaluations, b.evaluations) {
      #expect(x.metrics.keys.sorted() == y.metrics.keys.sorted())
      for (name, value) in x.metrics {
        let other = y.metrics[name] ?? .nan
        #expect(abs(value - other) <= Self.tolerance * abs(other), "\(name): \(value), \(other)")
      }
    }
  }

  @Test("change no loss and no metric, by either number of threads")
  func sameNumbers() throws {
    let run = try CachedRun()
    for threads in [1, 2] {
      let set = "distributed.threads=\(threads)"
      let plain = try run.train("plain\(threads)", [set])
      let cached = try run.train("cached\(threads)", [set, CachedRun.cached])
      #expect(plain.steps.count == 24 && plain.evaluations.count == 4)
      expectEqual(cached, plain)
      #expect(run.files("plain\(threads)").isEmpty)
      // One of the training, one of the validation part.
      #expect(run.files("cached\(threads)").count == 2)
      let said = cached.messages.first { $0.hasPrefix("frozen features:") } ?? ""
      #expect(said.contains("below block 2 of 4") && said.contains("45 samples take"), "\(said)")
    }
  }

  @Test("are shared by runs with other adapters, rates and seeds, and change none of their bytes")
  func shared() throws {
    let run = try CachedRun()
    let other = ["seed=4", "adapter.r=3", "train.optimizer.lr=1e-2", CachedRun.cached]
    // With drawn weights the seed would change the frozen values.
    let weights = try run.train("first", ["model.freeze_backbone=false", "~adapter"])
    #expect(weights.exitCode == .done)
    let path = try #require(
      FileManager.default.enumerator(atPath: run.folder.path("first"))?.compactMap { $0 as? String }
        .first { $0.hasSuffix("merged/model.safetensors") })
    let start = "model.weights=\(run.folder.path("first/" + path))"
    let alone = try run.train("alone", other + [start])
    _ = try run.train("shared", [CachedRun.cached, start])
    let files = run.files("shared")
    let beside = try run.train("shared", other + [start])
    #expect(run.files("shared") == files && files.count == 2)
    #expect(beside.messages.contains { $0.contains("2 of 2 groups of samples are there already") })
    #expect(beside.steps == alone.steps)
    #expect(beside.adapter == alone.adapter && alone.adapter != nil)
    // Another training part, other values: other files.
    _ = try run.train("shared", ["data.split.counts=[6, 2, 2]", CachedRun.cached, start])
    #expect(run.files("shared").count == 4)
  }

  @Test("a stopped run goes on to the same bytes, with the file whole, damaged, cut off or gone")
  func resumes() throws {
    let run = try CachedRun()
    let expected = try run.train("undisturbed", [CachedRun.cached])
    let changes: [(String) throws -> Void] = [
      { _ in },
      { path in
        let handle = try #require(FileHandle(forUpdatingAtPath: path))
        try handle.seek(toOffset: try handle.seekToEnd() - 1000)
        try handle.write(contentsOf: Data(repeating: 7, count: 900))
      },
      { path in #expect(truncate(path, 5000) == 0) },
      { path in try FileManager.default.removeItem(atPath: path) },
    ]
    for (number, change) in changes.enumerated() {
      let output = "stopped\(number)"
      let stopped = try run.train(output, [CachedRun.cached], stopAfter: 8)
      #expect(stopped.exitCode == .stopped && stopped.steps.count == 8)
      for file in run.files(output) { try change(file) }
      let resumed = try run.train(output, [CachedRun.cached])
      #expect(resumed.exitCode == .done)
      #expect(resumed.steps == expected.steps)
      #expect(resumed.adapter == expected.adapter && expected.adapter != nil)
      let isRemade = resumed.messages.contains { $0.contains("made again, it has 5000 bytes") }
      #expect(isRemade == (number == 2))
    }
  }

  @Test(
    "are refused where what lies below is not the same in every epoch, before anything is written",
    arguments: [
      (["model.backbone.dropout=0.1"], "dropout 0.1"),
      (["model.backbone.emb_dropout=0.2"], "emb_dropout 0.2"),
      (["adapter.modules_to_save=[pos_encoding]"], "pos_encoding.pos_embedding is trained"),
      (["model.freeze_backbone=false"], "nothing frozen lies below"),
    ])
  func refusals(overrides: [String], text: String) throws {
    let run = try CachedRun()
    let error = #expect(throws: RunError.self) {
      _ = try run.train("refused", overrides + [CachedRun.cached])
    }
    let found = try #require(error)
    #expect(found.exitCode == .invalidRecipe)
    #expect(
      "\(found)".hasPrefix("train.cache_frozen_features: ") && "\(found)".contains(text), "\(found)"
    )
    #expect(!FileManager.default.fileExists(atPath: run.folder.path("refused")))
  }

  @Test("are refused where the disk has no room, with both sizes")
  func room() throws {
    let folder = try TemporaryDirectory()
    try requireRoom(for: 1, at: folder.path("a/b"))
    let error = #expect(throws: RunError.self) {
      try requireRoom(for: 1 << 60, at: folder.path("a/b"))
    }
    let found = try #require(error)
    #expect(found.exitCode == .cannotCreate)
    #expect("\(found)".contains("take 1.0 EiB") || "\(found)".contains("TiB"), "\(found)")
    #expect("\(found)".contains("free"))
  }
}
