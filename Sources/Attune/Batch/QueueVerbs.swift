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

/// Looks at jobs of a queue, cancels them or queues them again.
///
/// - Parameters:
///   - output: The output folder.
///   - action: What is done.
///   - ids: nil for all jobs.
/// - Returns: The jobs afterwards.
/// - Throws: `QueueError`, and `FormatError` where the folder has no queue.
package func queueStatus(
  of output: String, _ action: QueueAction, _ ids: [Int64]?
) throws -> QueueStatus {
  let folder = FilePath.absolute(output, relativeTo: FilePath.current)
  guard let queue = try JobQueue(existingIn: folder) else {
    throw QueueMissing(folder: folder)
  }
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
    path: queue.path,
    counts: Dictionary(jobs.map { ($0.state.rawValue, 1) }, uniquingKeysWith: +),
    changed: changed, jobs: jobs.map(JobEntry.init))
}

/// A folder in which nothing was queued.
struct QueueMissing: ExitCoded, CustomStringConvertible {
  let folder: String

  var exitCode: ExitCode { .inputMissing }
  var description: String {
    "\(folder)/attune.sqlite: no such file: nothing was queued here. Name the folder of a batch with -o"
  }
}
