internal import Dispatch
package import Foundation
internal import Glibc
internal import Synchronization

/// Runs the built `attune`, which lies beside the test bundle.
package enum Binary {
  package static let url = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appending(path: "attune")

  /// Runs it to its end, in the given current directory.
  ///
  /// `environment` is set in addition to that of the tests; an empty text removes a name. A program
  /// that runs longer than `timeLimit` is killed, and `ProgramError.timeLimit` is thrown.
  package static func run(
    _ arguments: [String], environment: [String: String] = [:], in directory: URL? = nil,
    timeLimit: Duration = .seconds(120)
  ) async throws -> Program.Outcome {
    try await start(arguments, environment: environment, in: directory).outcome(within: timeLimit)
  }

  /// Starts it and returns at once; `Program.signal(_:)` can kill it.
  package static func start(
    _ arguments: [String], environment: [String: String] = [:], in directory: URL? = nil
  ) throws -> Program {
    try Program(url, arguments, environment: environment, in: directory)
  }
}

/// A program that was started, with its output kept in files.
package final class Program: Sendable {
  /// How a program ended.
  package struct Outcome: Sendable {
    /// Exit code; 128 + number when a signal ended the program, as a shell has it.
    package let exitCode: Int32
    package let standardOutput: String
    package let standardError: String
  }

  /// What the thread that watches a limit shares with who waits.
  private final class Watch: Sendable {
    let hasEnded = DispatchSemaphore(value: 0)
    let isLate = Mutex(false)
  }

  private let process: Process
  private let folder: TemporaryDirectory
  private let commandLine: String

  package init(
    _ executable: URL, _ arguments: [String], environment: [String: String] = [:],
    in directory: URL? = nil
  ) throws {
    folder = try TemporaryDirectory()
    commandLine = ([executable.lastPathComponent] + arguments).joined(separator: " ")
    process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = directory
    process.environment = ProcessInfo.processInfo.environment
      .merging(environment) { _, new in new }.filter { !$0.value.isEmpty }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try Self.newFile(folder.path("stdout"))
    process.standardError = try Self.newFile(folder.path("stderr"))
    try process.run()
  }

  package var isRunning: Bool { process.isRunning }
  package var processIdentifier: Int32 { process.processIdentifier }
  /// What it has written so far.
  package var standardOutput: String { text(of: "stdout") }
  package var standardError: String { text(of: "stderr") }

  /// Sends a signal; does nothing when the program has ended.
  package func signal(_ number: Int32) {
    if process.isRunning { kill(process.processIdentifier, number) }
  }

  /// Sends a signal as soon as something is so; false where the program ended before.
  ///
  /// It holds its thread meanwhile: once given up, other tests may hold it for minutes, and a program
  /// that should have been stopped in the middle runs to its end.
  package func signal(_ number: Int32, once isTime: () -> Bool) -> Bool {
    while process.isRunning {
      if isTime() {
        signal(number)
        return true
      }
      usleep(1000)
    }
    return false
  }

  /// Waits for the end without holding a thread.
  ///
  /// When `limit` has passed the program is killed, and `ProgramError.timeLimit` is thrown. A thread of
  /// its own watches the limit: that of the tests may be busy with others for minutes.
  package func outcome(within limit: Duration) async throws -> Outcome {
    let (process, watch) = (process, Watch())
    Thread.detachNewThread {
      guard watch.hasEnded.wait(timeout: .now() + limit / .seconds(1)) == .timedOut,
        process.isRunning
      else { return }
      watch.isLate.withLock { $0 = true }
      kill(process.processIdentifier, SIGKILL)
    }
    defer { watch.hasEnded.signal() }
    while process.isRunning { try await Task.sleep(for: .milliseconds(5)) }
    if watch.isLate.withLock({ $0 }) {
      throw ProgramError.timeLimit(
        commandLine, limit: limit, output: standardOutput + standardError)
    }
    let status = process.terminationStatus
    return Outcome(
      exitCode: process.terminationReason == .uncaughtSignal ? 128 + status : status,
      standardOutput: standardOutput, standardError: standardError)
  }

  private func text(of name: String) -> String {
    String(
      decoding: FileManager.default.contents(atPath: folder.path(name)) ?? Data(), as: UTF8.self)
  }

  private static func newFile(_ path: String) throws -> FileHandle {
    try Data().write(to: URL(filePath: path))
    return try FileHandle(forWritingTo: URL(filePath: path))
  }
}

/// A program that did not end in its time.
package enum ProgramError: Error, CustomStringConvertible {
  case timeLimit(_ commandLine: String, limit: Duration, output: String)

  package var description: String {
    switch self {
    case .timeLimit(let commandLine, let limit, let output):
      "`\(commandLine)` had not ended after \(limit) and was killed. It wrote:\n\(output)"
    }
  }
}
