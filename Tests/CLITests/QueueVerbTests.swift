import Foundation
import Glibc
import TestSupport
import Testing

/// `QueueStatusCommand`, `QueueCancelCommand`, `QueueRetryCommand`.
@Suite("The verbs of the queue")
struct QueueVerbTests {
  @Test("cancel stops a running job at its next step; retry queues it again")
  func cancelAndRetry() async throws {
    let sweep = try await SmallSweep("{seeds: [0, 1]}")
    let program = try sweep.start(["--jobs", "1"] + SmallSweep.long)
    sweep.waitForCheckpoint()
    let cancelled = try await sweep.small.attune("queue", "cancel", "1", "-o", "out")
    #expect(cancelled.exitCode == 0, "\(cancelled.standardError)")
    #expect(cancelled.standardOutput.contains("1 jobs changed"))
    let ended = try await program.outcome(within: .seconds(120))
    #expect(ended.exitCode == 1)
    #expect(try sweep.summary(ended).states == ["cancelled", "finished"])

    let retried = try await sweep.small.attune("queue", "retry", "-o", "out")
    #expect(retried.standardOutput.hasSuffix("2 jobs: 1 finished, 1 waiting\n"))
    let again = try await sweep.batch(SmallSweep.long)
    #expect(again.states == ["finished", "finished"])
    #expect(sweep.log.contains("#1 resuming at step"))
  }

  @Test("status names what there is, and where there is nothing")
  func status() async throws {
    let sweep = try await SmallSweep("{seeds: [0, 1]}")
    let none = try await sweep.small.attune("queue", "status", "-o", "out")
    #expect(none.exitCode == 66)
    #expect(none.standardError.contains("nothing was queued here"))
    #expect(!FileManager.default.fileExists(atPath: sweep.folder.path("out")))
    _ = try await sweep.batch()
    let found = try await sweep.small.attune("queue", "status", "2", "-o", "out")
    #expect(found.standardOutput.hasPrefix("#2 small seed=1 finished: test/VRMSE "))
    #expect(found.standardOutput.hasSuffix("1 job: 1 finished\n"))
    #expect(try await sweep.small.attune("queue", "cancel", "9", "-o", "out").exitCode == 64)
  }
}
