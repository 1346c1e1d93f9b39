import ArgumentParser
import Attune
import Foundation
import Launch
import enum Recipes.ExitCode

/// What a task of Slurm starts; not for people.
struct BatchTaskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: slurmTaskVerb, abstract: "Run one job of an array; started by Slurm.",
    shouldDisplay: false)

  @Argument(help: "Folder of the array.")
  var folder: String

  @Argument(help: "Number of the task.")
  var task: Int

  @Option(help: "Threads where the recipe does not say.")
  var threads: Int

  func run() throws {
    StopRequest.listen()
    let code = try withRanks(say: { Console.error("attune: \($0)") }) { ranks, isQuiet in
      try runSlurmTask(
        in: folder, number: task, threads: threads, ranks: ranks,
        shouldStop: { StopRequest.isMade },
        message: {
          guard !isQuiet else { return }
          Console.error("\(Date().formatted(.iso8601)) \($0)")
        })
    }
    guard let code else { return }
    if code != .done { throw ArgumentParser.ExitCode(code.rawValue) }
  }
}
