internal import Foundation
internal import Glibc
internal import Synchronization

/// A thread that shows that a worker and its job live, and listens for what the queue asks of them.
final class Heartbeat: Sendable {
  private struct State {
    var job: Int64?
    var control: JobControl?
    var mustStopJob = false
    var isOver = false
  }

  private let queue: JobQueue
  private let supervisor: Int32?
  private let state = Mutex(State())
  private let orphaned = Atomic<Bool>(false)

  /// Beats once every `pause`.
  ///
  /// `supervisor` is the number of the parent, without which the worker is
  /// orphaned; nil for none.
  init(_ queue: JobQueue, supervisor: Int32?, pause: Duration) {
    self.queue = queue
    self.supervisor = supervisor
    Thread.detachNewThread { [self] in
      while !state.withLock({ $0.isOver }) {
        beat()
        Thread.sleep(forTimeInterval: pause / .seconds(1))
      }
    }
  }

  /// Whether the process that started this one has ended.
  var isOrphaned: Bool {
    if let supervisor, getppid() != supervisor { orphaned.store(true, ordering: .relaxed) }
    return orphaned.load(ordering: .relaxed)
  }

  /// Whether the queue has asked the job in hand to stop, or has given it to another.
  var mustStopJob: Bool { state.withLock { $0.mustStopJob } || orphaned.load(ordering: .relaxed) }

  func begin(_ job: Int64, _ control: JobControl) {
    state.withLock { $0 = State(job: job, control: control) }
  }

  func end() { state.withLock { $0 = State() } }

  /// Ends the thread after its present pause.
  func stop() { state.withLock { $0.isOver = true } }

  /// A queue that cannot be written just now is tried again at the next beat.
  private func beat() {
    _ = isOrphaned
    let (job, control) = state.withLock { ($0.job, $0.control) }
    guard let job, let standing = try? queue.beat(job, progress: control?.lastShown),
      standing != .goOn
    else { return }
    state.withLock { if $0.job == job { $0.mustStopJob = true } }
  }
}
