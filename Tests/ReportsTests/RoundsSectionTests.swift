import Recipes
import Reports
import Testing

@Suite struct RoundsSectionTests {
  @Test("clients with their weights, and what every round cost")
  func rounds() throws {
    var run = SyntheticRuns.adapted(intruders: 0)
    #expect(!Report(run).sections.map(\.title).contains("Rounds of clients"))
    let headline = try #require(run.record.evaluations.first).headline
    run.record.federated = RunRecord.Federated(
      aggregation: "flora",
      clients: [.init(name: "north", samples: 30), .init(name: "south", samples: 10)],
      localSteps: 5,
      rounds: [
        .init(
          number: 1, lastStep: 10, bytesUp: 4000, bytesDown: 8000, losses: [0.5, 0.75],
          inexactness: 0.25, metrics: ["val/\(headline)": 0.5, "val/Other": 0.1, "train/loss": 0.6])
      ])
    let section = try Report(run).section("Rounds of clients")
    let text = "\(section)"
    for part in ["north", "0.75", "flora", "val/\(headline)", "0.25"] {
      #expect(text.contains(part), "\(part)")
    }
    #expect(!text.contains("val/Other"), "only the headline")
  }
}
