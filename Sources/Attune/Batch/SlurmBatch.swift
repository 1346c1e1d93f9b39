import Foundation
import Formats
import Launch
import Recipes

/// What a batch gave to Slurm.
package struct SlurmSubmission: Encodable, Sendable {
  package struct Array: Encodable, Sendable {
    /// Number of the job; nil where nothing was submitted.
    package var number: String?
    package var script: String
    package var tasks: Int
  }

  package var output: String
  package var arrays: [Array]
  /// Jobs that Slurm holds from an earlier submission, as they are now.
  package var held: [JobEntry]
}

/// The hidden verb by which a task of Slurm runs its job.
package let slurmTaskVerb = "batch-task"

/// Gives the runs of a plan to Slurm, as one array for all that ask for the same resources.
///
/// A run that Slurm holds from before is left to it; one that is finished takes its task a moment to
/// see.
/// - Parameters:
///   - plan: What is run.
///   - request: How.
/// - Returns: What was submitted.
/// - Throws: `SlurmError`, and `FormatError` where the output folder cannot be written.
package func submitToSlurm(_ plan: BatchPlan, _ request: BatchRequest) throws -> SlurmSubmission {
  guard Slurm.isAvailable else { throw SlurmError.missing(program: "sbatch") }
  let active = try SlurmEntry.all(in: plan.output, tasks: { try Slurm.tasks(of: $0) })
    .filter(\.isActive)
  let held = Set(active.map(\.job.work.payload))
  let wanted = Set(plan.runs.map(\.job.payload))
  var submission = SlurmSubmission(
    output: plan.output, arrays: [],
    held: active.filter { wanted.contains($0.job.work.payload) }.map(JobEntry.init))
  for group in SlurmGroup.groups(plan, without: held) {
    submission.arrays.append(try group.submit(request, output: plan.output))
  }
  return submission
}

/// The scripts that a batch would submit.
package func slurmScripts(_ plan: BatchPlan, _ request: BatchRequest) -> [String] {
  SlurmGroup.groups(plan, without: []).map {
    $0.script(request, folder: plan.output + "/slurm/<number>").text
  }
}

/// Runs that ask for the same resources.
private struct SlurmGroup {
  let resources: SlurmResources
  var jobs: [SlurmFolder.Job] = []

  static func groups(_ plan: BatchPlan, without held: Set<String>) -> [SlurmGroup] {
    var groups: [SlurmGroup] = []
    for run in plan.runs where !held.contains(run.job.payload) {
      let job = SlurmFolder.Job(name: run.name, label: run.label, work: run.job)
      if let index = groups.firstIndex(where: { $0.resources == run.resources }) {
        groups[index].jobs.append(job)
      } else {
        groups.append(SlurmGroup(resources: run.resources, jobs: [job]))
      }
    }
    return groups
  }

  func script(_ request: BatchRequest, folder: String) -> SlurmScript {
    let names = Set(jobs.map(\.name))
    let program =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
    return SlurmScript(
      name: "attune-" + (names.count == 1 ? names.first ?? "" : "batch"), resources: resources,
      count: jobs.count, limit: request.jobs, retries: request.retries, program: program,
      arguments: [slurmTaskVerb, folder])
  }

  func submit(_ request: BatchRequest, output: String) throws -> SlurmSubmission.Array {
    let folder = try SlurmFolder.make(in: output)
    let path = folder.path + "/array.sh"
    try writeAtomically(Data(script(request, folder: folder.path).text.utf8), to: path)
    var jobs = SlurmFolder.Jobs(jobs: jobs, array: nil)
    // Before the first task can look for it.
    try folder.write(jobs)
    jobs.array = try Slurm.submit(path, in: folder.path)
    try folder.write(jobs)
    return .init(number: jobs.array, script: path, tasks: jobs.jobs.count)
  }
}

/// Looks at the jobs that an output folder has given to Slurm, cancels them or submits them again.
///
/// - Parameters:
///   - output: The output folder.
///   - action: What is done.
///   - ids: Tasks; nil for all.
/// - Returns: The jobs afterwards, and how many were changed.
/// - Throws: `SlurmError`; to look alone goes on without Slurm.
func actOnSlurm(
  of output: String, _ action: QueueAction, _ ids: [String]?
) throws -> (jobs: [JobEntry], changed: Int) {
  func entries() throws -> [SlurmEntry] {
    do {
      return try SlurmEntry.all(in: output, tasks: { try Slurm.tasks(of: $0) })
    } catch let error as SlurmError where action == .status {
      return SlurmEntry.all(in: output, unknown: "\(error)")
    }
  }
  let all = try entries()
  if let missing = ids?.first(where: { id in !all.contains { $0.id == id } }) {
    throw SlurmTaskUnknown(task: missing, output: output)
  }
  let named = all.filter { ids?.contains($0.id) ?? true }
  switch action {
  case .status: return (named.map(JobEntry.init), 0)
  case .cancel:
    let active = named.filter(\.isActive)
    try Slurm.cancel(active.map(\.id))
    return (
      try entries().filter { entry in named.contains { $0.id == entry.id } }.map(JobEntry.init),
      active.count
    )
  case .retry:
    let again = named.filter {
      !$0.isActive && (ids != nil || [.failed, .cancelled].contains($0.state))
    }
    try resubmit(again, output: output)
    let payloads = Set(named.map(\.job.work.payload))
    return (
      try entries().filter { payloads.contains($0.job.work.payload) }.map(JobEntry.init),
      again.count
    )
  }
}

/// Submits jobs as their recipes say now.
private func resubmit(_ entries: [SlurmEntry], output: String) throws {
  var groups: [SlurmGroup] = []
  for entry in entries {
    let work = entry.job.work
    let plan = try RunPlan(file: work.recipe, overrides: work.request(threads: 1).changes)
    let resources = SlurmResources(plan.recipe.distributed)
    if let index = groups.firstIndex(where: { $0.resources == resources }) {
      groups[index].jobs.append(entry.job)
    } else {
      groups.append(SlurmGroup(resources: resources, jobs: [entry.job]))
    }
  }
  for group in groups { _ = try group.submit(BatchRequest(paths: []), output: output) }
}

/// A task that the output folder does not know.
struct SlurmTaskUnknown: ExitCoded, CustomStringConvertible {
  let task: String
  let output: String

  var exitCode: ExitCode { .wrongCommandLine }
  var description: String {
    "\(output): no job \(task) in it; `attune queue status` lists the jobs. One that was given to "
      + "Slurm again has the number of its last submission"
  }
}
