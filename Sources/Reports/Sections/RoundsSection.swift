internal import Recipes

extension RunSection {
  /// What the clients of a federated run did, and what it cost to talk.
  static let rounds = RunSection(title: "Rounds of clients") { run in
    guard let federated = run.record.federated, let last = federated.rounds.last else { return [] }
    // All others stand in rounds.json.
    let headlines = run.record.evaluations.map { "val/" + $0.headline }
    let names = ["val/loss"] + headlines.prefix(1)
    return [
      .paragraph(summary(federated)),
      .table(clients(federated, last)),
      .table(rounds(federated.rounds, metrics: names)),
      .paragraph(definitions),
    ]
  }

  private static let definitions =
    "Sent: values of the adapter and of what is trained beside it, 4 bytes each, by all clients "
    + "together; given: what the server sent to all of them after the round. Apart: "
    + "‖ΔW − Σ p ΔW_k‖ / ‖Σ p ΔW_k‖ of the server's update and the mean of the clients', p a client's share of "
    + "the training samples."

  private static func summary(_ federated: RunRecord.Federated) -> String {
    let up = federated.rounds.reduce(0) { $0 + $1.bytesUp }
    let down = federated.rounds.reduce(0) { $0 + $1.bytesDown }
    return "\(Numbers.count(federated.clients.count)) clients trained "
      + "\(Numbers.count(federated.rounds.count)) rounds of up to "
      + "\(Numbers.count(federated.localSteps)) steps each, put together by "
      + "\(federated.aggregation). All clients sent \(Numbers.bytes(up)) and got "
      + "\(Numbers.bytes(down))."
  }

  private static func clients(
    _ federated: RunRecord.Federated, _ last: RunRecord.Federated.Round
  ) -> Table {
    let total = federated.clients.reduce(0) { $0 + $1.samples }
    return Table(
      "Clients",
      columns: [
        .code("client"), .number("training samples"), .number("weight"), .number("last loss"),
      ],
      rows: federated.clients.enumerated().map { index, client in
        Table.Row([
          client.name, Numbers.count(client.samples),
          Numbers.significant(Double(client.samples) / Double(max(1, total)), digits: 3),
          index < last.losses.count ? Numbers.significant(last.losses[index], digits: 4) : "",
        ])
      })
  }

  private static func rounds(
    _ rounds: [RunRecord.Federated.Round], metrics names: [String]
  ) -> Table {
    Table(
      "Rounds",
      columns: [.number("round"), .number("sent"), .number("given"), .number("apart")]
        + [.number("train/loss")] + names.map { .number($0) },
      rows: rounds.map { round in
        Table.Row(
          [
            Numbers.count(round.number), Numbers.bytes(round.bytesUp),
            Numbers.bytes(round.bytesDown),
            round.inexactness.map { Numbers.significant($0, digits: 2) } ?? "",
          ]
            + (["train/loss"] + names).map { name in
              round.metrics[name].map { Numbers.significant($0, digits: 4) } ?? ""
            })
      }
    ).withoutEmptyColumns
  }
}
