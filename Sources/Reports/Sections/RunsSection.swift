internal import Recipes

extension ComparisonSection {
  /// Every run that was looked at, with what repeats it.
  static let runs = ComparisonSection(title: "Runs") { comparison in
    let documents = comparison.arms.flatMap(\.runs).flatMap(\.candidates).map(\.document)
    guard let first = documents.first else { return [] }
    let environment = first.record.environment
    let programs = Set(documents.map(\.record.program)).sorted().joined(separator: ", ")
    let isOneMachine = Set(documents.map(\.record.environment.processor)).count == 1
    return [
      .paragraph(
        isOneMachine
          ? "All with \(programs) on \(environment.processor), \(environment.instructionSet)."
          : "With \(programs) on different processors: times and memory are not comparable."),
      .table(
        Table(
          "",
          columns: [
            .text("name"), .number("seed"), .code("digest"), .code("folder"), .code("command"),
          ],
          rows: documents.map { document in
            Table.Row([
              document.record.name, String(document.record.seed),
              String(document.record.digest.prefix(8)), document.directory,
              document.record.command,
            ])
          })),
    ]
  }
}
