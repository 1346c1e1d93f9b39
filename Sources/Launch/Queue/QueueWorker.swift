internal import Foundation
package import Recipes

/// Runs the jobs of a queue in this process, one after the other.
package struct QueueWorker {
  private let queue: JobQueue
  private let supervisor: Int32?
  private let pause: Duration

  /// A worker of `supervisor`, the number of the process that started this one.
  ///
  /// When that ends, the job in hand
  /// is stopped as if on request, so that nothing goes on that nobody watches. `pause` lies between two
  /// beats, and between two looks at jobs that others keep busy.
  package init(_ queue: JobQueue, supervisor: Int32?, pause: Duration = .seconds(1)) {
    self.queue = queue
    self.supervisor = supervisor
    self.pause = pause
  }

  /// Works until nothing waits, or until a stop.
  ///
  /// - Parameters:
  ///   - shouldStop: The process is asked to stop.
  ///   - perform: Does a job and says what became of it.
  /// - Returns: `.done`, or `.stopped`.
  /// - Throws: `QueueError` where the queue cannot be used for good.
  package func run(
    shouldStop: @escaping @Sendable () -> Bool, perform: (Job, JobControl) -> JobOutcome
  ) throws(QueueError) -> ExitCode {
    let heartbeat = Heartbeat(queue, supervisor: supervisor, pause: pause)
    defer { heartbeat.stop() }
    var watch = StallWatch()
    var busy: Set<Int64> = []
    while !shouldStop(), !heartbeat.isOrphaned {
      let except = busy
      guard let job = try patiently({ () throws(QueueError) in try queue.claim(except: except) })
      else {
        if try !queue.reclaim(&watch).isEmpty { continue }
        guard !busy.isEmpty else { return .done }
        busy = []
        Thread.sleep(forTimeInterval: pause / .seconds(1))
        continue
      }
      let control = JobControl { shouldStop() || heartbeat.mustStopJob }
      heartbeat.begin(job.id, control)
      let outcome = perform(job, control)
      heartbeat.end()
      if case .busy = outcome { busy.insert(job.id) }
      try patiently { () throws(QueueError) in try queue.settle(job.id, outcome) }
      // What may be over by the next attempt is given a moment for it.
      if case .failed(_, _, true, _) = outcome {
        Thread.sleep(forTimeInterval: pause / .seconds(1))
      }
    }
    return .stopped
  }

  /// Repeats what another program's lock keeps from being written: the work of a job hangs on it.
  private func patiently<Value>(
    _ body: () throws(QueueError) -> Value
  ) throws(QueueError) -> Value {
    for _ in 1..<Self.tries {
      do {
        return try body()
      } catch {
        guard case .locked = error else { throw error }
      }
    }
    return try body()
  }

  private static let tries = 3
}
