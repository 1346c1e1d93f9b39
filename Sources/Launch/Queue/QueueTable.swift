/// How a queue stands, as lines for a terminal.
package enum QueueTable {
  /// A line of counts, and one for each running job as far as there is room.
  ///
  /// `seconds` have passed since the batch began; no line is wider than `width`, and there are no more
  /// than `height`.
  package static func lines(
    _ view: QueueSupervisor.View, seconds: Double, width: Int, height: Int
  ) -> [String] {
    let head = "\(counts(view.counts)), \(clock(seconds))"
    let room = max(0, height - 1)
    let rows = view.running.prefix(room).map { row($0, width: width) }
    return [cut(head, to: width)] + rows
  }

  /// `12 jobs: 5 finished, 4 running, 3 waiting`.
  package static func counts(_ counts: [Job.State: Int]) -> String {
    let all = counts.values.reduce(0, +)
    let parts = order.compactMap { state in
      counts[state].flatMap { $0 > 0 ? "\($0) \(state.rawValue)" : nil }
    }
    let noun = all == 1 ? "job" : "jobs"
    return "\(all) \(noun)" + (parts.isEmpty ? "" : ": " + parts.joined(separator: ", "))
  }

  /// The job left, how far it is right; the job gives way first.
  private static func row(_ job: Job, width: Int) -> String {
    let progress = job.isCancelling ? "stopping" : job.progress ?? "starting"
    let title = "  \(job.title)"
    let room = width - progress.count - 2
    guard room > 8 else { return cut(title, to: width) }
    let shown = cut(title, to: room)
    return shown + String(repeating: " ", count: room - shown.count) + "  " + progress
  }

  private static func cut(_ text: String, to width: Int) -> String {
    text.count <= width ? text : text.prefix(max(0, width - 1)) + "…"
  }

  private static let order: [Job.State] = [.finished, .failed, .cancelled, .running, .waiting]
}

extension Job {
  /// `#7 cfd1d lr=0.01 seed=1`.
  package var title: String { "#\(id) \(name)" + (label.isEmpty ? "" : " \(label)") }

  /// One line on what became of it.
  package var line: String {
    let end =
      switch state {
      case .finished: isSkipped ? "was finished before" : "finished"
      case .failed: "failed" + (exitCode.map { " (\($0))" } ?? "")
      case .cancelled: "cancelled"
      case .waiting: message == nil ? "waits" : "waits again"
      case .running: "running" + (progress.map { " \($0)" } ?? "")
      }
    let reason = message.map { ": \($0)" } ?? ""
    let place = state == .finished ? result.map { "  \($0)" } ?? "" : ""
    return "\(title) \(end)\(reason)\(place)"
  }
}
