import Attune
import Recipes
import Testing

/// Runs with workers are tested through the tool, since workers are processes of it.
@Suite("QueueBenchmark")
struct QueueBenchmarkTests {
  @Test("refuses what makes no queue, and knows its own options", arguments: ["jobs", "workers"])
  func refused(option: String) {
    let error = #expect(throws: CommandLineError.self) {
      try bench("queue", [(option, .integer(0))])
    }
    #expect(error?.description.contains(">= 1") == true)
    #expect(benchmarkNames.contains { $0.name == "queue" })
  }
}
