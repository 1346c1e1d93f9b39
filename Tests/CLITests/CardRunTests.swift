import Foundation
import TestSupport
import Testing

/// A run whose data section comes from a card.
@Suite("A run by card")
struct CardRunTests {
  @Test("trains, names the card and its license, and does without the card afterwards")
  func run() async throws {
    let small = try await SmallRun()
    try small.folder.write(
      """
      card: 1
      name: waves
      title: Waves
      summary: Advected sines that the tool made.
      tasks: [pde]
      license: {text: CC0}
      data:
        format: pdebench
        inputs: {state: {path: data.hdf5}}
        split: {method: trajectory, counts: [4, 2, 2]}
      """, to: "waves.yaml")
    let recipe = SmallRun.recipe.replacing(
      "  format: pdebench\n  root: .\n  inputs: {state: {path: data.hdf5}}",
      with: "  card: waves.yaml"
    ).replacing("  split: {method: trajectory, counts: [4, 2, 2]}\n", with: "")
    #expect(!recipe.contains("pdebench") && !recipe.contains("trajectory"))
    try small.folder.write(recipe, to: "recipe.yaml")
    let run = try await small.train()
    struct Record: Decodable {
      struct Card: Decodable { let name: String, license: String }
      let cards: [Card]
    }
    let data = try Data(contentsOf: URL(filePath: run + "/data.json"))
    let cards = try JSONDecoder().decode(Record.self, from: data).cards
    #expect(cards.map(\.name) == ["waves"] && cards.map(\.license) == ["CC0"])
    let report = try String(contentsOfFile: run + "/report/report.md", encoding: .utf8)
    #expect(report.contains("Data set card waves, license: CC0."))
    try FileManager.default.removeItem(atPath: small.folder.path("waves.yaml"))
    let evaluated = try await small.attune("eval", run)
    #expect(evaluated.exitCode == 0, "\(evaluated.standardError)")
  }
}
