import Launch
import Recipes

/// The jobs of an output folder's queue.
package struct QueueStatus: Encodable, Sendable {
  package var path: String
  package var counts: [String: Int]
  /// Jobs that the verb changed; nil where it only looked.
  package var changed: Int?
  package var jobs: [JobEntry]

  /// `12 jobs: 5 finished, 7 waiting`.
  package var countsText: String {
    QueueTable.counts(
      Dictionary(
        counts.compactMap { name, number in Job.State(rawValue: name).map { ($0, number) } }
      ) { first, _ in first })
  }
}

/// What `attune queue` does to jobs.
package enum QueueAction: Sendable { case status, cancel, retry }

/// Jobs that a command names: by number in the queue, or by task of Slurm (`12_3`).
package struct QueueSelection: Sendable {
  package var numbers: [Int64] = []
  package var tasks: [String] = []

  /// Nil for what is neither.
  package init?(_ words: [String]) {
    for word in words {
      if let number = Int64(word) {
        numbers.append(number)
      } else if word.wholeMatch(of: #/[0-9]+_[0-9]+/#) != nil {
        tasks.append(word)
      } else {
        return nil
      }
    }
  }
}

/// Looks at jobs of a queue and of Slurm, cancels them or queues them again.
///
/// - Parameters:
///   - output: The output folder.
///   - action: What is done.
///   - selection: nil for all jobs.
/// - Returns: The jobs afterwards.
/// - Throws: `QueueError`, `SlurmError`, and `QueueMissing` where the folder has neither queue nor
///   arrays.
package func queueStatus(
  of output: String, _ action: QueueAction, _ selection: QueueSelection?
) throws -> QueueStatus {
  let folder = FilePath.absolute(output, relativeTo: FilePath.current)
  let queue = try JobQueue(existingIn: folder)
  let hasArrays = !SlurmFolder.all(in: folder).isEmpty
  guard queue != nil || hasArrays else { throw QueueMissing(folder: folder) }
  var status = QueueStatus(path: folder + "/slurm", counts: [:], jobs: [])
  if let queue {
    status = try act(on: queue, action, selection?.numbers)
  } else if let number = selection?.numbers.first {
    throw QueueError.noJob(number: number, path: folder)
  }
  if hasArrays || selection?.tasks.isEmpty == false {
    let (jobs, changed) = try actOnSlurm(of: folder, action, selection?.tasks)
    status.jobs += jobs
    if action != .status { status.changed = (status.changed ?? 0) + changed }
  }
  status.counts = Dictionary(status.jobs.map { ($0.state.rawValue, 1) }, uniquingKeysWith: +)
  return status
}

private func act(
  on queue: JobQueue, _ action: QueueAction, _ ids: [Int64]?
) throws -> QueueStatus {
  let changed: Int? =
    switch action {
    case .status: nil
    case .cancel: try queue.cancel(ids)
    case .retry: try queue.retry(ids)
    }
  let jobs = try queue.jobs(ids)
  if let missing = ids?.first(where: { id in !jobs.contains { $0.id == id } }) {
    throw QueueError.noJob(number: missing, path: queue.path)
  }
  return QueueStatus(
    path: queue.path, counts: [:], changed: changed, jobs: jobs.map(JobEntry.init))
}

/// A folder in which nothing was queued.
struct QueueMissing: ExitCoded, CustomStringConvertible {
  let folder: String

  var exitCode: ExitCode { .inputMissing }
  var description: String {
    "\(folder)/attune.sqlite: no such file, and no slurm/: nothing was queued here. Name the folder of "
      + "a batch with -o"
  }
}
