internal import Foundation
internal import Glibc

/// A child of this process, in a process group of its own: signals of the terminal reach the parent
/// alone, which passes them on.
struct ChildProcess {
  /// How a child ended.
  enum End: Equatable {
    case exited(Int32)
    case killed(signal: Int32)
  }

  let number: Int32

  /// Starts this program anew.
  ///
  /// - Parameters:
  ///   - arguments: Without the program's name.
  ///   - output: Open file for standard output and error.
  /// - Throws: `QueueError.workerNotStarted`.
  init(_ arguments: [String], output: Int32) throws(QueueError) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))
    posix_spawnattr_setpgroup(&attributes, 0)
    var standard = sigset_t()
    sigfillset(&standard)
    posix_spawnattr_setsigdefault(&attributes, &standard)

    // The program of this process even where its file has been replaced meanwhile.
    let program = "/proc/self/exe"
    let words = ([CommandLine.arguments.first ?? program] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    var number = pid_t()
    let failure = posix_spawn(&number, program, &actions, &attributes, words + [nil], environ)
    guard failure == 0 else {
      throw .workerNotStarted(reason: String(cString: strerror(failure)))
    }
    self.number = number
  }

  /// How it ended; nil while it runs.
  ///
  /// To be asked no more once it has answered.
  func end() -> End? {
    var status: Int32 = 0
    guard waitpid(number, &status, WNOHANG) == number else { return nil }
    let signal = status & 0x7F
    return signal == 0 ? .exited(status >> 8 & 0xFF) : .killed(signal: signal)
  }

  func send(_ signal: Int32) { kill(number, signal) }
}

/// `signal 9 (Killed)`.
func signalText(_ number: Int32) -> String {
  "signal \(number) (\(strsignal(number).map { String(cString: $0) } ?? "unknown"))"
}
