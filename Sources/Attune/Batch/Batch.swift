import Foundation
package import Launch
package import Recipes

/// How a batch ended.
package struct BatchSummary: Encodable, Sendable {
  package var output: String
  /// The batch was stopped before all of its jobs were done.
  package var isStopped: Bool
  package var counts: [String: Int]
  package var jobs: [JobEntry]

  /// 0 when all jobs are finished, 75 after a stop, else 1.
  package var exitCode: ExitCode {
    if jobs.allSatisfy({ $0.state == .finished }) { return .done }
    return isStopped ? .stopped : .failed
  }

  private enum CodingKeys: String, CodingKey {
    case output, counts, jobs
    case isStopped = "stopped"
  }
}

/// A job as verbs show it.
package struct JobEntry: Encodable, Sendable {
  /// In the queue; nil for a job of Slurm.
  package var id: Int64?
  /// Its task under Slurm (`12_3`); nil for a job of the queue.
  package var slurm: String?
  package var name: String
  package var label: String
  package var recipe: String
  package var command: String
  package var state: Job.State
  package var isSkipped: Bool
  package var attempts: Int
  package var exitCode: Int32?
  package var message: String?
  package var directory: String?
  package var progress: String?
  /// Of a running job: whether its worker lives; nil where that cannot be seen from here.
  package var isAlive: Bool?
  /// One line for people.
  package var line: String

  init(_ job: Job) {
    let work = BatchJob(payload: job.payload)
    id = job.id
    name = job.name
    label = job.label
    recipe = work?.recipe ?? ""
    command = work?.command ?? ""
    state = job.state
    isSkipped = job.isSkipped
    attempts = job.attempts
    exitCode = job.exitCode
    message = job.message
    directory = job.result
    progress = job.progress
    isAlive = job.state == .running ? job.owner?.hasEnded.map { !$0 } : nil
    line = job.line
  }

  /// A task of Slurm.
  init(_ task: SlurmEntry) {
    slurm = task.id
    name = task.job.name
    label = task.job.label
    recipe = task.job.work.recipe
    command = task.job.work.command
    state = task.state
    isSkipped = task.record?.isSkipped ?? false
    attempts = task.record?.attempts ?? 0
    exitCode = task.record?.exitCode
    message = task.message
    directory = task.record?.directory
    progress = task.state == .running ? task.record?.progress : nil
    line = task.line
  }

  private enum CodingKeys: String, CodingKey {
    case id, slurm, name, label, recipe, command, state, attempts, message, directory, progress
    case isSkipped = "skipped"
    case exitCode = "exit_code"
    case isAlive = "alive"
  }
}

/// Queues the runs of a plan and works on the queue of their output folder until they are done.
///
/// Other jobs that wait in that queue are run too, so that batches on one folder share their work.
/// - Parameters:
///   - plan: What is run.
///   - request: How.
///   - stopSignal: The signal that asked the process to stop; nil as long as none did.
///   - reporter: Shows how it goes on.
/// - Returns: How its jobs ended.
/// - Throws: `QueueError` where the queue cannot be used.
package func runBatch(
  _ plan: BatchPlan, _ request: BatchRequest, stopSignal: () -> Int32?, reporter: QueueReporter
) throws -> BatchSummary {
  let queue = try JobQueue(folder: plan.output)
  let ids = try queue.add(
    plan.runs.map {
      NewJob(
        identity: $0.job.payload, name: $0.name, label: $0.label, payload: $0.job.payload)
    }, retries: request.retries)
  let isStopped = try superviseWorkers(
    on: queue, ids, workers: request.jobs ?? 1, output: plan.output, stopSignal: stopSignal,
    show: reporter.show)
  reporter.finish()
  let jobs = try queue.jobs(ids).map(JobEntry.init)
  return BatchSummary(
    output: plan.output, isStopped: isStopped,
    counts: Dictionary(jobs.map { ($0.state.rawValue, 1) }, uniquingKeysWith: +), jobs: jobs)
}

/// Keeps workers of this program on a queue; whether they were stopped before all was done.
func superviseWorkers(
  on queue: JobQueue, _ ids: [Int64], workers: Int, output: String, stopSignal: () -> Int32?,
  show: (QueueSupervisor.View) -> Void
) throws(QueueError) -> Bool {
  let threads = max(1, ProcessInfo.processInfo.activeProcessorCount / max(1, workers))
  let command = [
    workerVerb, output, "--threads", "\(threads)", "--supervisor",
    "\(ProcessInfo.processInfo.processIdentifier)",
  ]
  return try QueueSupervisor(
    queue, workers: workers, command: command, log: output + "/batch.log"
  ).run(ids, stopSignal: stopSignal, show: show)
}

/// The hidden verb that makes this program a worker.
package let workerVerb = "batch-worker"
