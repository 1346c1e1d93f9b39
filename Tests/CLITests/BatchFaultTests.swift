import Foundation
import Glibc
import TestSupport
import Testing

/// What becomes of a batch and its `BatchWorkerCommand` processes when they are killed, stopped or
/// run out of room.
@Suite("A batch in trouble", .serialized)
struct BatchFaultTests {
  /// Results of the sweep when nothing disturbs it.
  private func undisturbed() async throws -> [String: String] {
    let sweep = try await SmallSweep("{seeds: [0, 1]}")
    _ = try await sweep.batch(["--jobs", "2"] + SmallSweep.long)
    return try sweep.results()
  }

  @Test("ends as it would have when workers are killed")
  func workersKilled() async throws {
    let sweep = try await SmallSweep("{seeds: [0, 1]}")
    let program = try sweep.start(["--jobs", "2"] + SmallSweep.long)
    sweep.waitForCheckpoint()
    let workers = children(of: program.processIdentifier)
    #expect(workers.count == 2)
    for worker in workers { kill(worker, SIGKILL) }
    let ended = try await program.outcome(within: .seconds(120))
    #expect(ended.exitCode == 0, "\(ended.standardError)\(sweep.log)")
    let jobs = try sweep.summary(ended).jobs
    #expect(jobs.map(\.state) == ["finished", "finished"])
    #expect(jobs.contains { $0.attempts == 2 })
    #expect(ended.standardError.contains("in attempt 1"), "\(ended.standardError)")
    #expect(sweep.log.contains("resuming at step"))
    let expected = try await undisturbed()
    #expect(try sweep.results() == expected)
  }

  @Test("whose supervisor is killed leaves no worker behind, and goes on when given again")
  func supervisorKilled() async throws {
    let sweep = try await SmallSweep("{seeds: [0, 1]}")
    let program = try sweep.start(["--jobs", "2"] + SmallSweep.long)
    sweep.waitForCheckpoint()
    let workers = children(of: program.processIdentifier)
    program.signal(SIGKILL)
    _ = try await program.outcome(within: .seconds(10))
    for _ in 0..<1000 where workers.contains(where: isAlive) {
      usleep(10_000)
    }
    #expect(!workers.contains(where: isAlive))
    #expect(try await sweep.status().states == ["waiting", "waiting"])
    let ended = try await sweep.batch(["--jobs", "2"] + SmallSweep.long)
    #expect(ended.states == ["finished", "finished"])
    let expected = try await undisturbed()
    #expect(try sweep.results() == expected)
  }

  @Test("killed as a whole goes on when given again")
  func allKilled() async throws {
    let sweep = try await SmallSweep("{seeds: [0, 1]}")
    let program = try sweep.start(["--jobs", "2"] + SmallSweep.long)
    sweep.waitForCheckpoint()
    for number in children(of: program.processIdentifier) { kill(number, SIGKILL) }
    program.signal(SIGKILL)
    _ = try await program.outcome(within: .seconds(10))
    let left = try await sweep.small.attune("queue", "status", "-o", "out")
    #expect(left.standardOutput.contains("its worker has died"), "\(left.standardOutput)")
    let ended = try await sweep.batch(["--jobs", "2"] + SmallSweep.long)
    #expect(ended.states == ["finished", "finished"])
    let expected = try await undisturbed()
    #expect(try sweep.results() == expected)
  }

  @Test("stops with checkpoints and code 75, and goes on", arguments: [SIGTERM, SIGINT, SIGUSR1])
  func stopped(signal: Int32) async throws {
    let sweep = try await SmallSweep("{seeds: [0, 1, 2]}")
    let program = try sweep.start(["--jobs", "2"] + SmallSweep.long)
    sweep.waitForCheckpoint()
    program.signal(signal)
    let ended = try await program.outcome(within: .seconds(60))
    #expect(ended.exitCode == 75, "\(ended.standardError)")
    let summary = try sweep.summary(ended)
    #expect(summary.stopped == true)
    #expect(summary.states == ["waiting", "waiting", "waiting"])
    #expect(summary.jobs.allSatisfy { $0.attempts == 0 })
    let again = try await sweep.batch(["--jobs", "2"] + SmallSweep.long)
    #expect(again.states == ["finished", "finished", "finished"])
    #expect(sweep.log.contains("resuming at step"))
  }

  @Test("shares its folder with another one, each job run once")
  func twoBatches() async throws {
    let sweep = try await SmallSweep("{seeds: [0, 1, 2, 3, 4, 5]}")
    let programs = [
      try sweep.start(["--jobs", "2", "--set", "train.max_steps=50"]),
      try sweep.start(["--jobs", "2", "--set", "train.max_steps=50"]),
    ]
    for program in programs {
      let ended = try await program.outcome(within: .seconds(120))
      #expect(ended.exitCode == 0, "\(ended.standardError)")
      let summary = try sweep.summary(ended)
      #expect(summary.states == Array(repeating: "finished", count: 6))
      #expect(summary.jobs.allSatisfy { $0.attempts == 1 })
    }
    #expect(try sweep.results().count == 6)
  }

  @Test("that has no room fails with 74, leaves nothing half written, and can go on")
  func full() async throws {
    let sweep = try await SmallSweep("{seeds: [0]}")
    let large = ["--set", "model.backbone.dim=128", "--set", "model.backbone.mlp_dim=1024"]
    // Blocks of 1 KiB: enough for the queue, not for a checkpoint.
    let script =
      "ulimit -f 600; exec \(Binary.url.path) batch recipe.yaml --retries 1 --json "
      + large.joined(separator: " ")
    let limited = try Program(
      URL(filePath: "/bin/bash"), ["-c", script], in: sweep.folder.url)
    let ended = try await limited.outcome(within: .seconds(60))
    #expect(ended.exitCode == 1, "\(ended.standardError)\(sweep.log)")
    let job = try #require(try sweep.summary(ended).jobs.first)
    #expect(job.exit_code == 74, "\(job)")
    #expect(job.attempts == 2)
    for name in try sweep.small.files().keys where name.hasPrefix("out") && name.hasSuffix("json") {
      let data = try Data(contentsOf: URL(filePath: sweep.folder.path(name)))
      #expect((try? JSONSerialization.jsonObject(with: data)) != nil, "\(name)")
    }
    #expect(try await sweep.batch(large).states == ["finished"])
  }

  @Test("whose queue another program keeps locked ends with 74 and can go on")
  func locked() async throws {
    let sweep = try await SmallSweep("{seeds: [0]}")
    _ = try await sweep.batch("--shard", "1/1")
    let program = """
      import sqlite3, time
      c = sqlite3.connect("out/attune.sqlite", isolation_level=None)
      c.execute("BEGIN IMMEDIATE")
      open("locked", "w").close()
      time.sleep(600)
      """
    let other = try Program(
      URL(filePath: "/usr/bin/env"), ["python3", "-c", program], in: sweep.folder.url)
    while !FileManager.default.fileExists(atPath: sweep.folder.path("locked")) {
      usleep(10_000)
    }
    let refused = try await sweep.small.attune("batch", "recipe.yaml")
    #expect(refused.exitCode == 74)
    #expect(refused.standardError.contains("locked for 10 s"), "\(refused.standardError)")
    other.signal(SIGKILL)
    _ = try await other.outcome(within: .seconds(10))
    #expect(try await sweep.batch().jobs.map(\.skipped) == [true])
  }

  @Test("says what is wrong with a queue that is damaged, and runs when it is moved away")
  func damaged() async throws {
    let sweep = try await SmallSweep("{seeds: [0]}")
    try sweep.folder.write(String(repeating: "no database ", count: 200), to: "out/attune.sqlite")
    let refused = try await sweep.small.attune("batch", "recipe.yaml")
    #expect(refused.exitCode == 65)
    #expect(refused.standardError.contains("Your runs are safe"), "\(refused.standardError)")
    try FileManager.default.removeItem(atPath: sweep.folder.path("out/attune.sqlite"))
    #expect(try await sweep.batch().states == ["finished"])
  }
}
