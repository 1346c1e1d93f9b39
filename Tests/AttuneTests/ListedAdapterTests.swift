import Attune
import Testing

@Suite("The list of adapters")
struct ListedAdapterTests {
  @Test("has the options and capabilities of every method")
  func complete() throws {
    let adapters = listedAdapters()
    #expect(Set(adapters.map(\.name)).count == adapters.count && adapters.count > 75)
    #expect(adapters.map(\.name) == (try listedNames(.adapters)).map(\.name))
    let lora = try #require(adapters.first { $0.name == "lora" })
    #expect(lora.parameters.contains { $0.name == "r" && $0.standard == "`8`" })
    #expect(lora.capabilities.contains("mergeable") && lora.capabilities.contains("peft"))
    #expect(lora.status == "verified")
    #expect(adapters.allSatisfy { !$0.capabilities.isEmpty })
    #expect(adapters.allSatisfy { ($0.status == "unverified") == $0.isExperimental })
    #expect(adapters.contains { $0.isExperimental })
  }
}
