internal import Foundation
internal import Glibc
internal import Synchronization

/// The one thread that calls MPI: what it is given is done in order, beside the program's work.
final class MPIThread: Sendable {
  private struct State {
    var work: [@Sendable () -> Void] = []
    var isClosed = false
  }

  private let state = Mutex(State())
  private let signal = DispatchSemaphore(value: 0)

  func start() {
    let thread = Thread { [self] in
      while true {
        signal.wait()
        let (next, isClosed) = state.withLock { state in
          (state.work.isEmpty ? nil : state.work.removeFirst(), state.isClosed)
        }
        if let next { next() } else if isClosed { return }
      }
    }
    thread.name = "mpi"
    thread.start()
  }

  /// Queues work and gives what it will come to.
  func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) -> Later<Value> {
    let later = Later<Value>()
    state.withLock { $0.work.append { later.fulfil(Result(catching: work)) } }
    signal.signal()
    return later
  }

  /// Ends the thread once all work is done.
  func close() {
    state.withLock { $0.isClosed = true }
    signal.signal()
  }
}

/// A value that another thread computes.
final class Later<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let signal = DispatchSemaphore(value: 0)

  func fulfil(_ value: Result<Value, any Error>) {
    result.withLock { $0 = value }
    signal.signal()
  }

  /// Waits for it; may be asked again.
  func wait() throws -> Value {
    signal.wait()
    signal.signal()
    guard let value = result.withLock({ $0 }) else { preconditionFailure("nothing was computed") }
    return try value.get()
  }
}
