import ArgumentParser
import Attune

struct QueueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue",
    abstract: "Look at the jobs of batches, cancel them or queue them again.",
    subcommands: [
      QueueCancelCommand.self,
      QueueRetryCommand.self,
      QueueStatusCommand.self,
    ])
}

struct QueueStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "List jobs with their states.")

  @OptionGroup var options: QueueOptions

  func run() throws { try options.perform(.status) }
}

struct QueueCancelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel",
    abstract: "Cancel waiting jobs, and stop running ones at their next step.",
    discussion: "A stopped run keeps its checkpoint, and goes on from it when it is queued again.")

  @OptionGroup var options: QueueOptions

  func run() throws { try options.perform(.cancel) }
}

struct QueueRetryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry",
    abstract: "Queue failed and cancelled jobs again.",
    discussion: """
      They run when a batch works in the folder: one that does so now, or the next. A job that is \
      finished is queued again only when it is named.
      """)

  @OptionGroup var options: QueueOptions

  func run() throws { try options.perform(.retry) }
}

/// Options of the verbs below `queue`.
struct QueueOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("Numbers of jobs, or tasks of Slurm (12_3); all without.", valueName: "id"))
  var ids: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Output folder of the batch.", valueName: "folder"))
  var output = "outputs"

  @OptionGroup var results: OutputOptions

  func validate() throws {
    guard QueueSelection(ids) == nil else { return }
    throw ValidationError(
      "expected numbers of jobs (7) or tasks of Slurm (12_3), found \(ids.joined(separator: " "))")
  }

  func perform(_ action: QueueAction) throws {
    let status = try queueStatus(
      of: output, action, ids.isEmpty ? nil : QueueSelection(ids))
    if results.json { return try Console.print(json: status) }
    for job in status.jobs {
      let died =
        job.isAlive == false ? ", but its worker has died: the next batch goes on with it" : ""
      Console.print(job.line + died)
    }
    if let changed = status.changed { Console.print("\(changed) jobs changed") }
    Console.print(status.countsText)
  }
}
