import ArgumentParser
import Attune
import Foundation
import Launch
import enum Recipes.ExitCode

/// What `batch` starts; not for people.
struct BatchWorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: workerVerb, abstract: "Run jobs of a queue; started by batch.",
    shouldDisplay: false)

  @Argument(help: "Output folder that holds the queue.")
  var output: String

  @Option(help: "Threads of a job whose recipe does not say.")
  var threads: Int

  @Option(help: "Number of the process that started this one.")
  var supervisor: Int32?

  func run() throws {
    StopRequest.listen()
    let code = try workOnQueue(
      of: output, threads: threads, supervisor: supervisor,
      shouldStop: { StopRequest.isMade },
      message: { Console.error("\(Date().formatted(.iso8601)) \($0)") })
    if code != .done { throw ArgumentParser.ExitCode(code.rawValue) }
  }
}
