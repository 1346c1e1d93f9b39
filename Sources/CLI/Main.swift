import ArgumentParser
import Attune
import Foundation
import Launch
import Recipes

/// The command line `attune`: verbs, printing and exit codes; all work is done by the library.
@main
struct AttuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attune",
    abstract: "Fine-tunes vision and science models by recipe.",
    version: programVersion,
    subcommands: [
      BatchCommand.self,
      BatchTaskCommand.self,
      BatchWorkerCommand.self,
      BenchCommand.self,
      CombineCommand.self,
      CopyCommand.self,
      DataCommand.self,
      DiffCommand.self,
      DoctorCommand.self,
      EvalCommand.self,
      ExportCommand.self,
      ImportCommand.self,
      InitCommand.self,
      InspectCommand.self,
      ListCommand.self,
      MergeCommand.self,
      PredictCommand.self,
      QueueCommand.self,
      ReportCommand.self,
      RunsCommand.self,
      TrainCommand.self,
      ValidateCommand.self,
      VerifyCommand.self,
    ])

  /// Runs a verb; every error becomes one message on standard error and its exit code.
  static func main() {
    ignoreFileSizeSignal()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      if let code = programExitCode(of: error) {
        Console.error("attune: \(error)")
        Foundation.exit(code.rawValue)
      }
      exit(withError: error)
    }
  }
}
