import ArgumentParser

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Make data, fetch it, check it, measure it.",
    subcommands: [
      DataMakeCommand.self, DataFetchCommand.self, DataCheckCommand.self, DataStatsCommand.self,
    ])
}

struct DataMakeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make", abstract: "Compute data by the program's own validated solvers.",
    subcommands: [DataMakePDECommand.self])
}
