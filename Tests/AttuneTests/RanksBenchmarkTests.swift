import Attune
import Recipes
import Testing

/// Several ranks are tested through the tool, since ranks are processes of it.
@Suite("RanksBenchmark")
struct RanksBenchmarkTests {
  @Test("refuses what makes no step, and knows its own options", arguments: ["batch", "steps"])
  func refused(option: String) {
    let error = #expect(throws: CommandLineError.self) {
      try bench("ranks", [(option, .integer(0))])
    }
    #expect(error?.description.contains(">= 1") == true)
    #expect(benchmarkNames.contains { $0.name == "ranks" })
  }
}
