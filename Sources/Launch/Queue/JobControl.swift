internal import Synchronization

/// What a running job sees of its queue: whether it should stop, and where to tell how far it is.
package final class JobControl: Sendable {
  private let stops: @Sendable () -> Bool
  private let progress = Mutex<String?>(nil)

  init(stops: @escaping @Sendable () -> Bool) { self.stops = stops }

  /// Whether the job should save what it has and end, to be asked often.
  package var shouldStop: Bool { stops() }

  /// Tells how far the job is; the queue hears of it with the next beat.
  package func show(_ text: String) { progress.withLock { $0 = text } }

  var lastShown: String? { progress.withLock { $0 } }
}
