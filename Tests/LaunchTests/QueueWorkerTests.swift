import Foundation
import Glibc
import Launch
import Recipes
import Synchronization
import TestSupport
import Testing

@Suite("A worker")
struct QueueWorkerTests {
  private let folder: TemporaryDirectory
  private let queue: JobQueue
  private let pause = Duration.milliseconds(10)

  init() throws {
    folder = try TemporaryDirectory()
    queue = try JobQueue(folder: folder.path)
    _ = try queue.add(
      ["a", "b", "c"].map { NewJob(identity: $0, name: $0, payload: $0) }, retries: 1)
  }

  @Test("does what waits in order, repeats what may go better, and ends")
  func order() throws {
    var seen: [String] = []
    let code = try QueueWorker(queue, supervisor: nil, pause: pause).run(shouldStop: { false }) {
      job, _ in
      seen.append("\(job.payload)\(job.attempts)")
      return job.payload == "b"
        ? .failed(code: 74, message: "full", mayRetry: true) : .finished(result: nil)
    }
    #expect(code == .done)
    #expect(seen == ["a1", "b1", "b2", "c1"])
    #expect(try queue.jobs().map(\.state) == [.finished, .failed, .finished])
  }

  @Test("comes back to what others keep busy when nothing else is left")
  func busy() throws {
    var seen: [String] = []
    let code = try QueueWorker(queue, supervisor: nil, pause: pause).run(shouldStop: { false }) {
      job, _ in
      seen.append(job.payload)
      return job.payload == "a" && seen.count < 5
        ? .busy(message: "in use") : .finished(result: nil)
    }
    #expect(code == .done)
    #expect(seen == ["a", "b", "c", "a", "a"])
    #expect(try queue.jobs().allSatisfy { $0.state == .finished && $0.attempts == 1 })
  }

  @Test("stops on request and leaves the rest waiting")
  func stop() throws {
    let isAsked = Flag()
    let code = try QueueWorker(queue, supervisor: nil, pause: pause).run(
      shouldStop: { isAsked.value }
    ) { job, control in
      guard job.payload == "b" else { return .finished(result: nil) }
      isAsked.set()
      return control.shouldStop ? .stopped(result: "run") : .finished(result: nil)
    }
    #expect(code == .stopped)
    #expect(try queue.jobs().map(\.state) == [.finished, .waiting, .waiting])
    #expect(try queue.jobs().map(\.result) == [nil, "run", nil])
  }

  @Test("hears of a cancellation while it works, and tells how far it is")
  func cancelled() throws {
    let code = try QueueWorker(queue, supervisor: nil, pause: pause).run(shouldStop: { false }) {
      job, control in
      guard job.payload == "a" else { return .finished(result: nil) }
      control.show("1/2")
      let end = ContinuousClock.now + .seconds(10)
      while !control.shouldStop, ContinuousClock.now < end {
        if (try? queue.jobs([job.id]).first?.progress) == "1/2" { _ = try? queue.cancel([job.id]) }
        usleep(1000)
      }
      return .stopped()
    }
    #expect(code == .done)
    #expect(try queue.jobs().map(\.state) == [.cancelled, .finished, .finished])
  }

  @Test("without its supervisor takes no job")
  func orphan() throws {
    let code = try QueueWorker(queue, supervisor: getppid() + 1, pause: pause)
      .run(shouldStop: { false }) { _, _ in
        Issue.record("an orphan worked")
        return .finished(result: nil)
      }
    #expect(code == .stopped)
    #expect(try queue.counts() == [.waiting: 3])
  }
}

private final class Flag: Sendable {
  private let state = Atomic<Bool>(false)
  var value: Bool { state.load(ordering: .relaxed) }
  func set() { state.store(true, ordering: .relaxed) }
}
