import Foundation
import TestSupport
import Testing

/// `BatchCommand`: a sweep from the recipe to finished runs.
@Suite("A batch")
struct BatchTests {
  @Test("runs all of a sweep once, and again only what has changed")
  func sweep() async throws {
    let sweep = try await SmallSweep()
    let first = try await sweep.batch("--jobs", "2")
    #expect(
      first.jobs.map(\.label) == [
        "lr=0.01 seed=0", "lr=0.01 seed=1", "lr=0.001 seed=0", "lr=0.001 seed=1",
      ])
    #expect(first.states == Array(repeating: "finished", count: 4))
    #expect(first.jobs.allSatisfy { !$0.skipped && $0.attempts == 1 })
    #expect(Set(first.jobs.map(\.directory)).count == 4)
    let results = try sweep.results()
    #expect(Set(results.values).count == 4)

    let again = try await sweep.batch()
    #expect(again.states == first.states)
    #expect(again.jobs.allSatisfy { $0.skipped && $0.message == "by version 0.1.0" })

    // The seed's axis grows: what was there is skipped.
    let more = try await sweep.batch("--set", "sweep.seeds=[0, 1, 2]")
    #expect(more.jobs.filter { !$0.skipped }.map(\.label) == ["lr=0.01 seed=2", "lr=0.001 seed=2"])

    try FileManager.default.removeItem(atPath: sweep.folder.path("data.hdf5"))
    try await sweep.small.makeData("data.hdf5", trajectories: 8, seed: 7)
    let changed = try await sweep.batch("--jobs", "2")
    #expect(changed.jobs.allSatisfy { !$0.skipped && $0.state == "finished" })
    #expect(try sweep.results().count == 10)
  }

  @Test("names every error of every recipe at once and queues nothing")
  func errors() async throws {
    let sweep = try await SmallSweep("{train.optimizer.lr: [0.1, fast], data.batch_size: [4, 0]}")
    try sweep.folder.write(
      SmallRun.recipe.replacing("task: pde", with: "task: pdf"), to: "recipes/other.yaml")
    let ended = try await sweep.small.attune("batch", "recipe.yaml", "recipes", "missing.yaml")
    #expect(ended.exitCode == 78)
    for part in [
      "3 recipes have errors", "train.optimizer.lr: expected", "found \"fast\"",
      "data.batch_size: expected", "recipes/other.yaml:3:7: task:", "missing.yaml: no such file",
    ] {
      #expect(ended.standardError.contains(part), "\(part) in \(ended.standardError)")
    }
    #expect(ended.standardError.components(separatedBy: "found \"fast\"").count == 2)
    #expect(!FileManager.default.fileExists(atPath: sweep.folder.path("out")))
  }

  @Test("shows with --dry-run what it would queue, and queues a part of it with --shard")
  func parts() async throws {
    let sweep = try await SmallSweep()
    let all = try await sweep.small.attune("batch", "recipe.yaml", "--dry-run")
    #expect(
      all.standardOutput == """
        small lr=0.01 seed=0
        small lr=0.01 seed=1
        small lr=0.001 seed=0
        small lr=0.001 seed=1
        4 runs in \(sweep.folder.path("out"))

        """)
    #expect(!FileManager.default.fileExists(atPath: sweep.folder.path("out")))
    let part = try await sweep.batch("--shard", "2/3")
    #expect(part.jobs.map(\.label) == ["lr=0.01 seed=1"])
    #expect(try await sweep.small.attune("batch", "recipe.yaml", "--shard", "4/3").exitCode == 64)
  }

  @Test("is the same from wherever it is given, and runs where it was meant to")
  func places() async throws {
    let sweep = try await SmallSweep("{seeds: [0, 1]}")
    try sweep.folder.write(
      SmallRun.recipe.replacing("output: {dir: out}", with: "") + "\nsweep: {seeds: [0, 1]}\n",
      to: "recipe.yaml")
    let first = try await sweep.batch("--set", "train.max_steps=4", "-o", "out")
    try sweep.folder.write("", to: "sub/empty")
    let elsewhere = try await Binary.run(
      ["batch", "../recipe.yaml", "--set", "train.max_steps=4", "-o", "../out", "--json"],
      in: sweep.folder.url.appending(path: "sub"))
    let second = try sweep.summary(elsewhere)
    #expect(second.jobs.map(\.id) == first.jobs.map(\.id))
    #expect(second.jobs.map(\.skipped) == [true, true])
    // Without -o the folder follows from where the batch is given, not from where its workers stand.
    let own = try await sweep.batch("--set", "train.max_steps=4")
    #expect(
      own.jobs.allSatisfy {
        $0.directory?.hasPrefix(sweep.folder.path("outputs/small/")) == true && !$0.skipped
      })
  }

  @Test("of a folder runs its recipes, and leaves out what they build on")
  func folder() async throws {
    let sweep = try await SmallSweep()
    try sweep.folder.write(
      SmallRun.recipe.replacing("root: .", with: "root: ..")
        .replacing("dir: out", with: "dir: ../out"), to: "recipes/base.yaml")
    for name in ["one", "two"] {
      try sweep.folder.write("base: base.yaml\nname: \(name)\n", to: "recipes/\(name).yaml")
    }
    let ended = try await sweep.small.attune("batch", "recipes", "--jobs", "2", "--json")
    #expect(ended.exitCode == 0, "\(ended.standardError)")
    #expect(try sweep.summary(ended).states == ["finished", "finished"])
    #expect(ended.standardError.contains("recipes/base.yaml: left out"))
    #expect(try await sweep.small.attune("batch", "out").exitCode == 66)
  }

  @Test("reports a job that cannot be done without trying it again, and does the others")
  func failure() async throws {
    let sweep = try await SmallSweep("{data.inputs.state.path: [data.hdf5, missing.hdf5]}")
    let ended = try await sweep.batch(exitCode: 1)
    #expect(ended.states == ["finished", "failed"])
    #expect(ended.jobs[1].attempts == 1)
    #expect(ended.jobs[1].exit_code == 66)
    #expect(ended.jobs[1].message?.contains("missing.hdf5") == true)
    // Mended, it is run; the other one is not run again.
    try FileManager.default.copyItem(
      atPath: sweep.folder.path("data.hdf5"), toPath: sweep.folder.path("missing.hdf5"))
    let mended = try await sweep.batch()
    #expect(mended.jobs.map(\.skipped) == [true, false])
  }

  @Test("is what a recipe with a sweep is for; train says so")
  func train() async throws {
    let sweep = try await SmallSweep()
    let refused = try await sweep.small.attune("train", "recipe.yaml")
    #expect(refused.exitCode == 78)
    #expect(refused.standardError.contains("attune batch recipe.yaml"))
    let single = try await sweep.small.attune(
      "train", "recipe.yaml", "--print-config", "--set", "~sweep")
    #expect(single.exitCode == 0, "\(single.standardError)")
    let seen = try await sweep.small.attune("inspect", "recipe.yaml")
    #expect(seen.standardOutput.contains("4 runs"), "\(seen.standardError)")
  }

  @Test("waits for a run that another process writes, instead of writing it too")
  func inUse() async throws {
    let sweep = try await SmallSweep("{seeds: [0]}")
    let byHand = try Binary.start(
      ["train", "recipe.yaml", "--set", "~sweep", "-q"] + SmallSweep.long, in: sweep.folder.url)
    sweep.waitForCheckpoint()
    let second = try await Binary.run(
      ["train", "recipe.yaml", "--set", "~sweep", "-q"] + SmallSweep.long, in: sweep.folder.url)
    #expect(second.exitCode == 73)
    #expect(second.standardError.contains("writes to this run just now"), "\(second.standardError)")
    let ended = try await sweep.batch(SmallSweep.long)
    #expect(ended.jobs.map(\.skipped) == [true], "\(sweep.log)")
    #expect(sweep.log.components(separatedBy: "#1 waits").count == 2, "\(sweep.log)")
    #expect(ended.jobs.map(\.attempts) == [1])
    #expect(try await byHand.outcome(within: .seconds(60)).exitCode == 0)
  }

  @Test("goes through jobs that do nothing, each once")
  func nothing() async throws {
    let ended = try await Binary.run(["bench", "queue", "--jobs", "40", "--workers", "3", "--json"])
    #expect(ended.exitCode == 0, "\(ended.standardError)")
    struct Result: Decodable {
      let finished: Int
      let run_twice: Int
    }
    let result = try JSONDecoder().decode(Result.self, from: Data(ended.standardOutput.utf8))
    #expect(result.finished == 40)
    #expect(result.run_twice == 0)
  }
}
