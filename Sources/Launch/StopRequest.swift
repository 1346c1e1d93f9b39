internal import Glibc
internal import Recipes
internal import Synchronization

/// The wish to stop, as SIGINT, SIGTERM or SIGUSR1 express it.
///
/// The first signal only sets a flag: whoever works asks `isMade` between two steps, saves, and ends
/// with `ExitCode.stopped`. The second ends the process at once: `.interrupted` after SIGINT,
/// `.terminated` after the others.
package enum StopRequest {
  /// Number of the first signal that came, or nil.
  package static var signal: Int32? {
    let number = firstSignal.load(ordering: .relaxed)
    return number == 0 ? nil : number
  }

  package static var isMade: Bool { signal != nil }

  /// Begins to listen; until then the signals end the process as usual.
  ///
  /// System calls that a signal interrupts go on by themselves. A parent may have blocked the signals
  /// for its children; that is undone.
  package static func listen() {
    // Touched here so that nothing is left to initialize inside the handler.
    _ = firstSignal.load(ordering: .relaxed)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = receive
    action.sa_flags = SA_RESTART
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGUSR1] {
      sigaction(number, &action, nil)
      sigaddset(&signals, number)
    }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }
}

private let firstSignal = Atomic<Int32>(0)

/// Runs inside the interrupted thread: one atomic exchange, or `_exit`, and nothing else.
private let receive: @convention(c) (Int32) -> Void = { number in
  let isFirst = firstSignal.compareExchange(
    expected: 0, desired: number, ordering: .relaxed
  ).exchanged
  if !isFirst {
    _exit((number == SIGINT ? ExitCode.interrupted : ExitCode.terminated).rawValue)
  }
}

/// Lets a write beyond the size that the system allows a file fail like one on a full disk, instead of
/// ending the process on the spot.
package func ignoreFileSizeSignal() { signal(SIGXFSZ, SIG_IGN) }
