import Foundation
import Launch
package import Recipes
import Tensors

/// Runs jobs of a batch inside a worker process.
final class BatchWork {
  /// Threads of a job whose recipe does not say.
  private let threads: Int
  private let message: (String) -> Void
  /// Folders of jobs that others were found to write to, so that nothing is opened while they still do.
  private var busy: [Int64: RunDirectory] = [:]

  init(threads: Int, message: @escaping (String) -> Void) {
    self.threads = threads
    self.message = message
  }

  /// Does a job and says what became of it; memory goes back to the system afterwards.
  func callAsFunction(_ job: Job, _ control: JobControl) -> JobOutcome {
    guard let work = BatchJob(payload: job.payload) else {
      return .failed(
        code: ExitCode.malformedData.rawValue,
        message: "the job was queued by another version of the program; queue it again",
        mayRetry: false)
    }
    switch work.kind {
    case .nothing: return .finished(result: nil)
    case .train:
      defer {
        Allocator.shared.trim()
        returnFreedMemory()
      }
      return run(work, job, control)
    }
  }

  private func run(_ work: BatchJob, _ job: Job, _ control: JobControl) -> JobOutcome {
    if let directory = busy[job.id], directory.isLocked {
      return .busy(message: "\(directory.refusal)")
    }
    busy[job.id] = nil
    message("\(job.title) begins, attempt \(job.attempts): \(work.command)")
    do {
      let result = try train(
        work.request(threads: threads), shouldStop: { control.shouldStop },
        show: { control.show($0.brief) }, message: { [message] in message("#\(job.id) \($0)") })
      let path = result.directory.path
      message("#\(job.id) ends with code \(result.exitCode.rawValue)")
      guard result.exitCode == .done else { return .stopped(result: path) }
      if let program = result.skippedProgram {
        return .finished(result: path, isSkipped: true, message: "by version \(program)")
      }
      return .finished(result: path, message: result.record?.headlineText)
    } catch let error as RunError {
      if case .inUse(let path, _) = error {
        busy[job.id] = RunDirectory(path: path)
        message("#\(job.id) waits: \(error)")
        return .busy(message: "\(error)")
      }
      return failure(error, job)
    } catch {
      return failure(error, job)
    }
  }

  private func failure(_ error: any Error, _ job: Job) -> JobOutcome {
    let code = programExitCode(of: error) ?? .internalError
    message("#\(job.id) fails with code \(code.rawValue): \(error)")
    return .failed(
      code: code.rawValue, message: "\(error)", mayRetry: Self.passing.contains(code))
  }

  /// What may be over by the next attempt; other errors come back as long as nobody mends them.
  private static let passing: Set<ExitCode> = [.internalError, .readOrWriteFailed]
}

extension RunRecord {
  /// `test/VRMSE 0.01234`.
  var headlineText: String? {
    guard let evaluation = evaluations.first,
      let metric = evaluation.metrics.first(where: { $0.name == evaluation.headline })
    else { return nil }
    return "\(evaluation.split)/\(metric.name) \(String(format: "%.4g", metric.value))"
  }
}

/// Works on the queue of an output folder until nothing waits.
///
/// - Parameters:
///   - output: The output folder.
///   - threads: Of a job whose recipe does not say.
///   - supervisor: Number of the process that started this one; nil where none did.
///   - shouldStop: The process is asked to stop.
///   - message: Gets single lines for the log.
/// - Returns: `.done`, or `.stopped`.
/// - Throws: `QueueError` where the queue cannot be used.
package func workOnQueue(
  of output: String, threads: Int, supervisor: Int32?, shouldStop: @escaping @Sendable () -> Bool,
  message: @escaping (String) -> Void
) throws -> ExitCode {
  let queue = try JobQueue(folder: output)
  let work = BatchWork(threads: threads, message: message)
  return try QueueWorker(queue, supervisor: supervisor).run(
    shouldStop: shouldStop, perform: { work($0, $1) })
}
