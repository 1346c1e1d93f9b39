import Foundation
import Formats
import Launch
package import Recipes
package import Tensors

/// Runs one task of an array that `batch --slurm` submitted, and writes down how it ends.
///
/// - Parameters:
///   - path: Folder of the array.
///   - number: Of the task.
///   - threads: Where the recipe does not say.
///   - ranks: Processes that run it together, of which the first writes.
///   - shouldStop: The process is asked to stop.
///   - message: Gets single lines for the log.
/// - Returns: How the process should end.
/// - Throws: `SlurmTaskMissing`, and what training throws.
package func runSlurmTask(
  in path: String, number: Int, threads: Int, ranks: any Communicator,
  shouldStop: @escaping () -> Bool,
  message: @escaping (String) -> Void
) throws -> ExitCode {
  let folder = SlurmFolder(path: path)
  guard let jobs = folder.jobs?.jobs, jobs.indices.contains(number) else {
    throw SlurmTaskMissing(folder: path, number: number)
  }
  let work = jobs[number].work
  var record = SlurmFolder.Record(
    state: .running, attempts: (folder.record(of: number)?.attempts ?? 0) + 1,
    host: ProcessIdentity.current.host, changedAt: "")
  func keep() throws(FormatError) {
    guard ranks.isFirst else { return }
    record.changedAt = Date().formatted(.iso8601)
    try folder.write(record, of: number)
  }
  try keep()
  message("attempt \(record.attempts): \(work.command)")
  var told = ContinuousClock.now
  var request = work.request(threads: threads)
  request.ranks = ranks
  do {
    let result = try train(
      request, shouldStop: shouldStop,
      show: { progress in
        guard ContinuousClock.now - told > .seconds(5) else { return }
        told = .now
        record.progress = progress.brief
        try? keep()
      }, message: message)
    (record.progress, record.directory) = (nil, result.directory.path)
    record.exitCode = result.exitCode.rawValue
    record.state = result.exitCode == .done ? .finished : .stopped
    record.isSkipped = result.skippedProgram != nil
    record.message =
      result.skippedProgram.map { "by version \($0)" } ?? result.record?.headlineText
    try keep()
    message("ends with code \(result.exitCode.rawValue)")
    return result.exitCode
  } catch {
    record.progress = nil
    record.state = .failed
    record.exitCode = (programExitCode(of: error) ?? .internalError).rawValue
    record.message = "\(error)"
    try? keep()
    throw error
  }
}

/// A task without a job.
struct SlurmTaskMissing: ExitCoded, CustomStringConvertible {
  let folder: String
  let number: Int

  var exitCode: ExitCode { .inputMissing }
  var description: String {
    "\(folder)/jobs.json: no job number \(number), or no such file. Give the batch to Slurm again"
  }
}
