import ArgumentParser
import Attune
import Launch
import enum Recipes.ExitCode

struct BatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "batch",
    abstract: "Run sweeps and folders of recipes, unattended.",
    usage: "attune batch <recipe or folder> ... [--jobs N] [<options>]",
    discussion: """
      All recipes are read first; nothing is begun while one has an error. The runs are queued in the \
      output folder and done by --jobs processes. What was finished before from the same recipe and \
      inputs is skipped, what was interrupted goes on from its checkpoint. Ends with 0 when all jobs \
      are finished, 1 when one has failed, 75 after SIGINT, SIGTERM or SIGUSR1: give the command \
      again to go on.
      """)

  @Argument(help: ArgumentHelp("Recipes, or folders of recipes.", valueName: "path"))
  var paths: [String]

  @Option(
    help: """
      Processes that work at the same time (1), which share the machine's threads; with --slurm tasks \
      that run at the same time (all).
      """)
  var jobs: Int?

  @Option(help: "Further attempts after a crash, or an error of reading or writing.")
  var retries = 2

  @Option(help: ArgumentHelp("Queue the i-th of n parts of the jobs.", valueName: "i/n"))
  var shard: Shard?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Folder of all runs and of the queue (output.dir).", valueName: "folder"))
  var output: String?

  @OptionGroup var options: RecipeOptions
  @OptionGroup var log: LogOptions
  @OptionGroup var results: OutputOptions

  @Flag(
    help: """
      Give the runs to Slurm as an array, with the resources of the recipes' distributed.slurm, and \
      end at once; `attune queue status` tells how they are.
      """)
  var slurm = false

  @Flag(help: "Print the runs that would be queued; with --slurm the script.")
  var dryRun = false

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs is at least 1, found \(jobs)") }
    if retries < 0 { throw ValidationError("--retries is at least 0, found \(retries)") }
  }

  func run() throws {
    var request = BatchRequest(paths: paths, overrides: options.overrides)
    request.output = output
    request.jobs = jobs
    request.retries = retries
    request.shard = shard.map { ($0.number, $0.count) }
    let plan = try BatchPlan(request)
    if dryRun, slurm, !results.json {
      return slurmScripts(plan, request).forEach { Console.print($0) }
    }
    if dryRun { return try show(plan) }
    if slurm { return try submit(plan, request) }
    StopRequest.listen()
    let reporter = QueueReporter(style: log.style)
    for note in plan.notes { reporter.message(note) }
    let summary = try runBatch(
      plan, request, stopSignal: { StopRequest.signal }, reporter: reporter)
    if results.json { try Console.print(json: summary) } else { show(summary) }
    if summary.exitCode != .done { throw ArgumentParser.ExitCode(summary.exitCode.rawValue) }
  }

  private func submit(_ plan: BatchPlan, _ request: BatchRequest) throws {
    for note in plan.notes { Console.error(note) }
    let submission = try submitToSlurm(plan, request)
    if results.json { return try Console.print(json: submission) }
    for array in submission.arrays {
      Console.print("job \(array.number ?? ""): \(array.tasks) tasks, \(array.script)")
    }
    if !submission.held.isEmpty {
      Console.print("\(submission.held.count) runs are with Slurm since an earlier batch")
    }
    Console.print("attune queue status -o \(shellQuoted(submission.output))")
  }

  private func show(_ plan: BatchPlan) throws {
    struct Planned: Encodable {
      let name: String
      let label: String
      let command: String
    }
    if results.json {
      return try Console.print(
        json: plan.runs.map { Planned(name: $0.name, label: $0.label, command: $0.command) })
    }
    for note in plan.notes { Console.error(note) }
    for run in plan.runs { Console.print("\(run.name) \(run.label)") }
    Console.print("\(plan.runs.count) runs in \(plan.output)")
  }

  private func show(_ summary: BatchSummary) {
    for job in summary.jobs where job.state != .finished { Console.error(job.line) }
    let skipped = summary.jobs.count { $0.isSkipped }
    Console.print(
      "\(summary.jobs.count { $0.state == .finished }) of \(summary.jobs.count) finished"
        + (skipped > 0 ? ", \(skipped) of them before" : "") + " in \(summary.output)")
  }
}

/// `2/5`: the second of five parts.
struct Shard: ExpressibleByArgument {
  let number: Int
  let count: Int

  init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let number = parts[0], let count = parts[1], count > 0,
      (1...count).contains(number)
    else { return nil }
    self.number = number
    self.count = count
  }
}
