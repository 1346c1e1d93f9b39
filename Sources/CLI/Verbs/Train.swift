import ArgumentParser
import Attune
import Foundation
import Launch
import Recipes

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Train by a recipe, evaluate at the end, write the report.",
    usage: "attune train <recipe> [<options>]",
    discussion: """
      A run that was interrupted goes on from its newest checkpoint when the same command is given \
      again. The first SIGINT, SIGTERM or SIGUSR1 finishes the step, saves and ends with code 75.
      """)

  @Argument(help: "Path of the recipe.")
  var recipe: String

  @OptionGroup var options: RecipeOptions
  @OptionGroup var log: LogOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var folder: FolderOption

  @Flag(help: "Open data and weights, run one step forward and backward, write nothing.")
  var dryRun = false

  @Flag(help: "Print the resolved recipe and stop.")
  var printConfig = false

  func run() throws {
    var request = TrainRequest(recipe: recipe, overrides: options.overrides + folder.overrides)
    request.command = CommandLine.arguments.map(shellQuoted).joined(separator: " ")
    if printConfig { return Console.print(try resolvedRecipe(request)) }
    if dryRun { return try printDryRun(request) }
    StopRequest.listen()
    let result = try withRanks(say: { Console.error("attune: \($0)") }) { ranks, isQuiet in
      let reporter = ProgressReporter(style: isQuiet ? .silent : log.style, logEvery: 1)
      request.ranks = ranks
      if request.threads == nil { request.threads = try rankThreads() }
      defer { reporter.finish() }
      return try train(
        request, shouldStop: { StopRequest.isMade }, show: reporter.show,
        message: reporter.message)
    }
    guard let result else { return }
    try show(result)
    if result.exitCode != .done { throw ArgumentParser.ExitCode(result.exitCode.rawValue) }
  }

  private func show(_ result: TrainResult) throws {
    if output.json { return try Console.print(json: TrainSummary(result)) }
    if let record = result.record { Console.print(resultTable(record)) }
    Console.print("run     \(result.directory.path)")
    if result.record != nil { Console.print("report  \(result.directory.path)/report/report.html") }
  }

  private func printDryRun(_ request: TrainRequest) throws {
    let check = try dryRunResult(request)
    if output.json { return try Console.print(json: check) }
    Console.print(check.text)
  }
}
