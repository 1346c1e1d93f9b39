internal import Foundation
internal import Glibc

/// Shows on standard error how a batch goes on.
///
/// On a terminal a table is redrawn in place below the lines of what ended; anywhere else there are
/// complete lines alone.
package final class QueueReporter {
  private let style: ProgressReporter.Style
  private let size: () -> (width: Int, height: Int)
  private let write: (String) -> Void
  private let start = ContinuousClock.now
  private var drawn: [String] = []
  private var lastCounts: ContinuousClock.Instant?

  /// Writes to standard error in the given style.
  package convenience init(style: ProgressReporter.Style) {
    self.init(style: style, size: terminalSize) {
      FileHandle.standardError.write(Data($0.utf8))
    }
  }

  package init(
    style: ProgressReporter.Style, size: @escaping () -> (width: Int, height: Int),
    write: @escaping (String) -> Void
  ) {
    self.style = style
    self.size = size
    self.write = write
  }

  /// The supervisor has looked.
  package func show(_ view: QueueSupervisor.View) {
    switch style {
    case .bar:
      let (width, height) = size()
      let table = QueueTable.lines(
        view, seconds: (ContinuousClock.now - start) / .seconds(1), width: width - 1,
        height: min(height - 1, Self.mostRows))
      let ended = view.settled.map { $0.line + "\n" }.joined()
      guard !ended.isEmpty || table != drawn else { return }
      write(eraser + ended + table.joined(separator: "\n") + "\n")
      drawn = table
    case .lines:
      for job in view.settled { write(job.line + "\n") }
      let now = ContinuousClock.now
      if lastCounts.map({ now - $0 >= Self.countsPause }) ?? false {
        write(QueueTable.counts(view.counts) + "\n")
        lastCounts = now
      }
      if lastCounts == nil { lastCounts = now }
    case .json:
      for job in view.settled { write(JobEvent(job).line) }
    case .silent: break
    }
  }

  /// A line of its own.
  package func message(_ text: String) {
    switch style {
    case .bar, .lines: write(eraser + text + "\n")
    case .json: write(MessageEvent(text: text).line)
    case .silent: break
    }
    drawn = []
  }

  /// Takes the table away, since the end result follows.
  package func finish() {
    if !drawn.isEmpty { write(eraser) }
    drawn = []
  }

  /// Goes back to the first line of the table and erases all below.
  private var eraser: String { !drawn.isEmpty ? "\r\u{1B}[\(drawn.count)A\u{1B}[J" : "" }

  private static let mostRows = 24
  private static let countsPause = Duration.seconds(60)
}

/// `{"event":"job",…}`.
private struct JobEvent: Encodable {
  let event = "job"
  let id: Int64
  let name: String
  let label: String
  let state: Job.State
  let skipped: Bool
  let exit_code: Int32?
  let message: String?
  let directory: String?

  init(_ job: Job) {
    id = job.id
    name = job.name
    label = job.label
    state = job.state
    skipped = job.isSkipped
    exit_code = job.exitCode
    message = job.message
    directory = job.result
  }
}

private struct MessageEvent: Encodable {
  let event = "message"
  let text: String
}

extension Encodable {
  /// One line of JSON.
  fileprivate var line: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) + "\n" } ?? ""
  }
}

/// Columns and lines of the terminal on standard error; 80 by 24 where it does not say.
private func terminalSize() -> (width: Int, height: Int) {
  var size = winsize()
  guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return (80, 24) }
  return (Int(size.ws_col), max(2, Int(size.ws_row)))
}
