internal import Foundation
internal import Glibc
internal import Synchronization

/// Shows the progress of a run or a download, and messages, on standard error.
///
/// On a terminal a bar is redrawn in place; anywhere else a complete line is written every
/// `logEvery` steps, without carriage returns or color.
package final class ProgressReporter: Sendable {
  /// What the reader of the output can show.
  package enum Style: Sendable, Equatable {
    case bar(color: Bool)
    case lines
    /// One JSON object per line: `{"event":"step",…}`, `{"event":"message","text":…}`.
    case json
    case silent
  }

  private struct State {
    var isBarShown = false
    var lastDrawn: ContinuousClock.Instant?
  }

  private let style: Style
  private let logEvery: Int
  private let width: @Sendable () -> Int
  private let write: @Sendable (String) -> Void
  private let state = Mutex(State())

  /// Writes to standard error in the style that suits it.
  package convenience init(style: Style, logEvery: Int) {
    self.init(
      style: style, logEvery: logEvery, width: terminalWidth, write: writeToStandardError)
  }

  /// Writes to anything; `width` is asked before each drawing, since windows change.
  package init(
    style: Style, logEvery: Int, width: @escaping @Sendable () -> Int,
    write: @escaping @Sendable (String) -> Void
  ) {
    precondition(logEvery > 0, "log_every is \(logEvery), must be positive")
    self.style = style
    self.logEvery = logEvery
    self.width = width
    self.write = write
  }

  /// The step that `progress` tells of is done.
  package func show(_ progress: Progress) {
    let isDue = progress.step % logEvery == 0 || progress.step == progress.totalSteps
    switch style {
    case .bar(let color):
      draw(isLast: progress.step == progress.totalSteps) {
        progress.bar(width: $0, color: color)
      }
    case .lines: if isDue { write(progress.line + "\n") }
    case .json: if isDue { writeJSON(progress) }
    case .silent: break
    }
  }

  /// A download goes on; without a terminal a line every ten seconds, and one at its end.
  package func show(_ transfer: TransferProgress) {
    switch style {
    case .bar(let color):
      draw(isLast: transfer.isComplete) { transfer.bar(width: $0, color: color) }
    case .lines: if isDue(transfer) { write(transfer.line + "\n") }
    case .json: if isDue(transfer) { writeJSON(transfer) }
    case .silent: break
    }
  }

  private func isDue(_ transfer: TransferProgress) -> Bool {
    state.withLock { state in
      let now = ContinuousClock.now
      guard let last = state.lastDrawn else {
        state.lastDrawn = now
        return transfer.isComplete
      }
      guard transfer.isComplete || now - last >= Self.transferPause else { return false }
      state.lastDrawn = transfer.isComplete ? nil : now
      return true
    }
  }

  /// A line of its own, above the bar if there is one.
  package func message(_ text: String) {
    switch style {
    case .bar:
      state.withLock { state in
        write((state.isBarShown ? Self.eraseLine : "") + text + "\n")
        state = State()
      }
    case .lines: write(text + "\n")
    case .json: writeJSON(Message(text: text))
    case .silent: break
    }
  }

  /// Leaves the last bar standing and goes to a new line.
  package func finish() {
    state.withLock { state in
      if state.isBarShown { write("\n") }
      state = State()
    }
  }

  private func draw(isLast: Bool, _ text: (_ width: Int) -> String) {
    state.withLock { state in
      let now = ContinuousClock.now
      if let last = state.lastDrawn, now - last < Self.shortestPause, !isLast { return }
      // The last column stays free: some terminals wrap after it.
      write(Self.eraseLine + text(width() - 1))
      state = State(isBarShown: true, lastDrawn: now)
    }
  }

  private func writeJSON(_ event: some Encodable) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if let data = try? encoder.encode(event) { write(String(decoding: data, as: UTF8.self) + "\n") }
  }

  private struct Message: Encodable {
    var event = "message"
    let text: String
  }

  private static let shortestPause = Duration.milliseconds(100)
  private static let transferPause = Duration.seconds(10)
  private static let eraseLine = "\r\u{1B}[2K"
}

extension ProgressReporter.Style {
  /// The style for standard error as it is: a bar on a terminal, else lines.
  ///
  /// `NO_COLOR` with any text, takes the color away; a terminal that calls itself dumb gets lines.
  package static var forStandardError: Self {
    .suiting(
      isTerminal: isatty(STDERR_FILENO) == 1, environment: ProcessInfo.processInfo.environment)
  }

  package static func suiting(isTerminal: Bool, environment: [String: String]) -> Self {
    guard isTerminal, environment["TERM"] != "dumb" else { return .lines }
    return .bar(color: environment["NO_COLOR", default: ""].isEmpty)
  }
}

/// Columns of the terminal on standard error; 80 where it does not say.
private func terminalWidth() -> Int {
  var size = winsize()
  guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
  return Int(size.ws_col)
}

private func writeToStandardError(_ text: String) {
  FileHandle.standardError.write(Data(text.utf8))
}
