import Foundation
import Launch
import Recipes

/// Runs jobs that do nothing through the queue, the supervisor and the workers of `batch`.
struct QueueBenchmark: Benchmark {
  static let name = "queue"
  static let summary = "jobs that do nothing, through the queue of batch"
  static let options: OptionTable = [
    Option("jobs", .integer, default: 1000, range: .atLeast(1), "jobs"),
    Option("workers", .integer, default: 4, range: .atLeast(1), "processes"),
  ]

  static func work(
    _ options: OptionReader, _ diagnostics: Diagnostics
  ) -> () throws -> any BenchReport {
    let (count, workers) = (options.int("jobs"), options.int("workers"))
    return { try run(count, workers) }
  }

  private static func run(_ count: Int, _ workers: Int) throws -> QueueBenchResult {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "attune-queue-\(ProcessInfo.processInfo.processIdentifier)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let clock = ContinuousClock()
    let start = clock.now
    let queue = try JobQueue(folder: folder)
    let ids = try queue.add(
      (0..<count).map { number in
        let payload = BatchJob(nothing: number).payload
        return NewJob(identity: payload, name: "nothing", label: "\(number)", payload: payload)
      }, retries: 0)
    let queued = clock.now
    _ = try superviseWorkers(
      on: queue, ids, workers: workers, output: folder, stopSignal: { nil }, show: { _ in })
    let end = clock.now
    let jobs = try queue.jobs(ids)
    return QueueBenchResult(
      jobs: count, workers: workers, finished: jobs.count { $0.state == .finished },
      runTwice: jobs.count { $0.attempts > 1 }, queueSeconds: (queued - start) / .seconds(1),
      seconds: (end - start) / .seconds(1))
  }
}

/// What `bench queue` measured.
private struct QueueBenchResult: BenchReport {
  let benchmark = "queue"
  var jobs: Int
  var workers: Int
  var finished: Int
  /// Jobs that were started more than once.
  var runTwice: Int
  /// Putting all of them into the queue.
  var queueSeconds: Double
  /// From before the first is queued until the last worker has ended.
  var seconds: Double

  private enum CodingKeys: String, CodingKey {
    case benchmark, jobs, workers, finished
    case runTwice = "run_twice"
    case queueSeconds = "queue_s"
    case seconds = "seconds"
  }

  var text: String {
    """
    queue               \(finished) of \(jobs) jobs by \(workers) workers, \(runTwice) run twice
    queueing            \(String(format: "%.2f", queueSeconds)) s
    all                 \(String(format: "%.2f", seconds)) s
    """
  }
}
