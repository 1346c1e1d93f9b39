import Launch
import Recipes

/// A job of Slurm: what its task wrote, beside what Slurm knows of it.
package struct SlurmEntry: Sendable {
  /// `12_3`.
  package let id: String
  let job: SlurmFolder.Job
  let record: SlurmFolder.Record?
  /// Nil where it is over, and where Slurm could not be asked.
  let task: Slurm.Task?
  /// Where its log lies.
  let log: String

  /// The last submission of every job of an output folder, in the order of submission.
  ///
  /// - Parameters:
  ///   - output: The output folder.
  ///   - tasks: What Slurm holds of arrays with these numbers.
  /// - Returns: The entries.
  static func all(
    in output: String, tasks: ([String]) throws -> [Slurm.Task]
  ) rethrows -> [SlurmEntry] {
    let folders = SlurmFolder.all(in: output).compactMap { folder in
      folder.jobs.flatMap { jobs in jobs.array.map { (folder, jobs.jobs, $0) } }
    }
    let held = Dictionary(
      try tasks(folders.map(\.2)).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    var last: [String: Int] = [:]
    var entries: [SlurmEntry] = []
    for (folder, jobs, array) in folders {
      for (number, job) in jobs.enumerated() {
        last[job.work.payload] = entries.count
        let id = "\(array)_\(number)"
        entries.append(
          SlurmEntry(
            id: id, job: job, record: folder.record(of: number), task: held[id],
            log: "\(folder.path)/\(number).log"))
      }
    }
    let wanted = Set(last.values)
    return entries.indices.filter(wanted.contains).map { entries[$0] }
  }

  /// The same where Slurm cannot be asked: what is not over may still run, or wait.
  static func all(in output: String, unknown reason: String) -> [SlurmEntry] {
    all(in: output, tasks: { _ in [] }).map { entry in
      guard entry.record == nil || entry.record?.state == .running else { return entry }
      return SlurmEntry(
        id: entry.id, job: entry.job, record: entry.record,
        task: Slurm.Task(id: entry.id, state: Slurm.Task.unknown, reason: reason), log: entry.log)
    }
  }

  /// Whether Slurm still runs it or will.
  var isActive: Bool { task != nil && record?.state != .finished && record?.state != .failed }

  var state: Launch.Job.State {
    switch (record?.state, task?.state) {
    case (.finished, _): .finished
    case (.failed, nil): .failed
    case (_, "RUNNING"?), (_, "COMPLETING"?), (.running, Slurm.Task.unknown?): .running
    case (_, .some): .waiting
    case (.running, nil): .failed
    case (.stopped, nil), (nil, nil): .cancelled
    }
  }

  /// Why it is as it is, where that needs a word.
  var message: String? {
    switch (record?.state, task) {
    case (.finished, _), (.failed, nil): record?.message
    case (_, let task?):
      task.state == "RUNNING" || task.reason == "None" ? nil : "\(task.state): \(task.reason)"
    case (.running, nil): "it was killed, or its time was up; see \(log)"
    case (.stopped, nil): "stopped with a checkpoint"
    case (nil, nil): "it was over before it began"
    }
  }

  /// One line for people.
  var line: String {
    let title = "\(id) \(job.name)" + (job.label.isEmpty ? "" : " \(job.label)")
    let end =
      switch state {
      case .finished: record?.isSkipped == true ? "was finished before" : "finished"
      case .failed: "failed" + (record?.exitCode.map { " (\($0))" } ?? "")
      case .cancelled: "cancelled"
      case .waiting: (record?.attempts ?? 0) == 0 ? "waits" : "waits again"
      case .running: "running" + (record?.progress.map { " \($0)" } ?? "")
      }
    let place = state == .finished ? record?.directory.map { "  \($0)" } ?? "" : ""
    return "\(title) \(end)" + (message.map { ": \($0)" } ?? "") + place
  }
}

extension Slurm.Task {
  /// State of a task that Slurm was not asked about.
  static let unknown = "UNKNOWN"
}
