import Foundation
import Glibc
import Launch
import Recipes
import TestSupport
import Testing

@Suite("A queue of jobs")
struct JobQueueTests {
  private let folder: TemporaryDirectory
  private let queue: JobQueue

  init() throws {
    folder = try TemporaryDirectory()
    queue = try JobQueue(folder: folder.path)
  }

  private func add(_ names: String..., retries: Int = 2) throws -> [Int64] {
    try queue.add(
      names.map { NewJob(identity: $0, name: $0, payload: "do \($0)") }, retries: retries)
  }

  private func job(_ id: Int64) throws -> Job { try #require(try queue.jobs([id]).first) }

  @Test("gives jobs out in the order in which they came, each once")
  func claim() throws {
    let ids = try add("a", "b")
    let first = try #require(try queue.claim())
    #expect(first.id == ids[0])
    #expect(first.payload == "do a")
    #expect(first.attempts == 1)
    #expect(first.owner == .current)
    #expect(try queue.claim(except: [ids[1]]) == nil)
    #expect(try queue.claim()?.id == ids[1])
    #expect(try queue.claim() == nil)
    #expect(try queue.counts() == [.running: 2])
  }

  @Test("leaves what waits or runs as it is when it is queued again, and takes up the rest")
  func again() throws {
    let ids = try add("waits", "runs", "done", "failed")
    _ = try queue.claim(except: [ids[0], ids[2], ids[3]])
    for id in ids[2...] {
      #expect(try queue.claim(except: [ids[0]])?.id == id)
      try queue.settle(
        id,
        id == ids[2]
          ? .finished(result: "there", isSkipped: true)
          : .failed(code: 65, message: "bad data", mayRetry: false))
    }
    #expect(try job(ids[2]).isSkipped)
    #expect(try job(ids[3]).exitCode == 65)
    #expect(try job(ids[3]).message == "bad data")
    #expect(try add("waits", "runs", "done", "failed") == ids)
    #expect(try queue.jobs().map(\.state) == [.waiting, .running, .waiting, .waiting])
    #expect(try job(ids[2]).isSkipped == false)
    #expect(try job(ids[3]).exitCode == nil)
    #expect(try job(ids[3]).attempts == 0)
  }

  @Test("is divided among connections without giving a job twice")
  func contention() async throws {
    _ = try queue.add(
      (0..<200).map { NewJob(identity: "\($0)", name: "n", payload: "") }, retries: 0)
    let path = folder.path
    let taken = try await withThrowingTaskGroup(of: [Int64].self) { group in
      for _ in 0..<4 {
        group.addTask {
          let queue = try JobQueue(folder: path)
          var ids: [Int64] = []
          while let job = try queue.claim() {
            ids.append(job.id)
            try queue.settle(job.id, .finished(result: nil))
          }
          return ids
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(taken.count == 200)
    #expect(Set(taken).count == 200)
    #expect(try queue.counts() == [.finished: 200])
  }

  @Test("repeats what may go better as often as is allowed")
  func retries() throws {
    let id = try add("a", retries: 1)[0]
    for attempt in 1...2 {
      #expect(try queue.claim()?.attempts == attempt)
      try queue.settle(id, .failed(code: 74, message: "disk full", mayRetry: true))
    }
    #expect(try job(id).state == .failed)
    #expect(try queue.claim() == nil)
    #expect(try queue.retry(nil) == 1)
    #expect(try queue.claim()?.attempts == 1)
  }

  @Test("does not count attempts that a stop or another writer ended")
  func notCounted() throws {
    let id = try add("a", retries: 0)[0]
    for outcome in [JobOutcome.stopped(), .busy(message: "in use")] {
      _ = try queue.claim()
      try queue.settle(id, outcome)
      #expect(try job(id).state == .waiting)
      #expect(try job(id).attempts == 0)
    }
    #expect(try job(id).message == "in use")
  }

  @Test("cancels what waits at once, and what runs when its worker has stopped")
  func cancel() throws {
    let ids = try add("runs", "waits")
    _ = try queue.claim()
    #expect(try queue.beat(ids[0]) == .goOn)
    #expect(try queue.cancel(nil) == 2)
    #expect(try job(ids[1]).state == .cancelled)
    #expect(try job(ids[0]).isCancelling)
    #expect(try queue.beat(ids[0], progress: "3/6") == .stop)
    #expect(try job(ids[0]).progress == "3/6")
    try queue.settle(ids[0], .stopped(result: "run"))
    #expect(try job(ids[0]).state == .cancelled)
    #expect(try queue.retry([ids[0]]) == 1)
    #expect(try queue.claim()?.isCancelling == false)
  }

  @Test("knows which numbers it has")
  func unknown() throws {
    let error = #expect(throws: QueueError.self) { try queue.cancel([7]) }
    #expect(error?.exitCode == .wrongCommandLine)
    #expect(error?.description.contains("there is no job 7") == true)
  }

  @Test("takes nothing from a worker that has lost its job")
  func lost() throws {
    let id = try add("a")[0]
    _ = try queue.claim()
    var other = ProcessIdentity.current
    other.number += 1
    #expect(try queue.beat(id, by: other) == .lost)
    try queue.settle(id, by: other, .finished(result: nil))
    #expect(try job(id).state == .running)
  }
}

@Suite("Jobs of the dead")
struct ReclaimTests {
  private let folder: TemporaryDirectory
  private let queue: JobQueue

  init() throws {
    folder = try TemporaryDirectory()
    queue = try JobQueue(folder: folder.path)
    _ = try queue.add([NewJob(identity: "a", name: "a", payload: "")], retries: 1)
  }

  @Test("wait again at once when a process of this machine has died, as often as is allowed")
  func died() async throws {
    let path = folder.path
    for (attempt, state) in [(1, Job.State.waiting), (2, .failed)] {
      await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
        _ = try JobQueue(folder: path).claim()
        kill(getpid(), SIGKILL)
      }
      #expect(try queue.running().first?.attempts == attempt)
      #expect(try queue.running().first?.owner?.hasEnded == true)
      var watch = StallWatch()
      #expect(try queue.reclaim(&watch).count == 1)
      #expect(try queue.reclaim(&watch).isEmpty)
      let job = try #require(try queue.jobs().first)
      #expect(job.state == state)
      #expect(job.message?.hasSuffix("died in attempt \(attempt)") == true)
    }
  }

  @Test("stay where they are while their process lives")
  func lives() throws {
    _ = try queue.claim()
    var watch = StallWatch(limit: .zero)
    #expect(try queue.reclaim(&watch).isEmpty)
    #expect(try queue.counts() == [.running: 1])
  }

  @Test("of a process number that another process has now are told apart by its start")
  func reused() throws {
    var earlier = ProcessIdentity.current
    earlier.start -= 1
    #expect(earlier.hasEnded == true)
    #expect(ProcessIdentity.current.hasEnded == false)
    earlier.space = "another boot"
    #expect(earlier.hasEnded == nil)
  }

  @Test("of another machine wait again when its counter has stood still, whatever the time of day")
  func stalled() throws {
    let far = ProcessIdentity(host: "far", space: "away", number: 7, start: 70)
    let job = try #require(try queue.claim(by: far))
    var watch = StallWatch(limit: .seconds(12))
    var now = SuspendingClock.now
    #expect(watch.stalled([job], at: now).isEmpty)
    // A watcher that was frozen for an hour has looked once more, and no more than that.
    now += .seconds(3600)
    #expect(watch.stalled([job], at: now).isEmpty)
    #expect(try queue.beat(job.id, by: far) == .goOn)
    let moved = try #require(try queue.running().first)
    now += .seconds(5)
    #expect(watch.stalled([moved], at: now).isEmpty)
    for _ in 0..<2 {
      now += .seconds(5)
      #expect(watch.stalled([moved], at: now).isEmpty)
    }
    now += .seconds(5)
    #expect(watch.stalled([moved], at: now).map(\.id) == [job.id])
  }
}
