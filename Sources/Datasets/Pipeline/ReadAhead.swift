import Dispatch
import Synchronization
import Tensors

/// Makes the values of a pure function of the step before they are asked for, on threads of its own.
///
/// Steps are asked for in rising order, from any first one. At most one value for each thread is ready
/// or in the making, so that memory is bounded. What a value is depends on its step alone; how many threads
/// there are changes nothing but the time.
package final class ReadAhead<Value: Sendable>: Sendable {
  /// A value that some thread is making.
  private final class Promise: Sendable {
    private let made = DispatchSemaphore(value: 0)
    private let result = Mutex<Result<Value, any Error>?>(nil)

    func fulfil(_ value: Result<Value, any Error>) {
      result.withLock { $0 = value }
      made.signal()
    }

    func wait() throws -> Value? {
      made.wait()
      return try result.withLock { $0 }?.get()
    }
  }

  private struct State {
    var promises: [Int: Promise] = [:]
    var isStopped = false
  }

  private let make: @Sendable (Int) throws -> Value
  private let count: Int
  private let queues: [DispatchQueue]
  private let state = Mutex(State())

  /// Lanes of the allocator from here on belong to readers.
  private static var firstLane: Int { 1000 }

  /// Values of steps below `count`; without threads every value is made when it is asked for.
  package init(
    threads: Int, count: Int, make: @escaping @Sendable (_ step: Int) throws -> Value
  ) {
    self.make = make
    self.count = count
    queues = (0..<max(0, threads)).map { DispatchQueue(label: "attune.reader.\($0)") }
  }

  /// The value of a step, waited for where it is not ready.
  package func callAsFunction(_ step: Int) throws -> Value {
    guard !queues.isEmpty else { return try make(step) }
    let promise = order(step)
    for ahead in (step + 1)..<max(step + 1, min(count, step + queues.count)) { _ = order(ahead) }
    let value = try promise.wait()
    state.withLock { $0.promises = $0.promises.filter { $0.key > step } }
    let next = step + queues.count
    if next < count { _ = order(next) }
    guard let value else { return try make(step) }
    return value
  }

  /// Ends all threads; values that are in the making are dropped.
  package func stop() {
    state.withLock { $0.isStopped = true }
    for queue in queues { queue.sync {} }
    state.withLock { $0.promises = [:] }
  }

  /// The promise of a step, which its thread sets out to make unless it is on the way.
  private func order(_ step: Int) -> Promise {
    let (promise, isNew) = state.withLock { state in
      if let known = state.promises[step] { return (known, false) }
      let promise = Promise()
      state.promises[step] = promise
      return (promise, true)
    }
    guard isNew else { return promise }
    let lane = step % queues.count
    queues[lane].async { [self] in
      let isStopped = state.withLock { $0.isStopped }
      guard !isStopped else { return promise.fulfil(.failure(CancellationError())) }
      Allocator.withLane(Self.firstLane + lane) {
        promise.fulfil(Result { try make(step) })
      }
    }
    return promise
  }
}
