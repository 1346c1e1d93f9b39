import Adapters
import Backbones
import Formats
import Layers
import Recipes
import TestSupport
import Testing

@Suite("MORPH's keys", .serialized)
struct MorphKeysTests {
  /// Keys and shapes of the model of a released size, with the reference's LoRA where it has one.
  private func keys(size: String, hasLoRA: Bool) throws -> [String: [Int]] {
    let diagnostics = Diagnostics()
    let options = OptionReader(
      Located(plain: ["size": .text(size)], at: SourceLocation(source: "test")), Morph.options,
      diagnostics)
    let builder = ModelBuilder()
    let morph = Morph(options, for: DataShape(), in: builder.root, diagnostics)
    try diagnostics.throwErrors()
    var found = builder.tree.parameters.map { (morph.layouts[0].key(of: $0.path), $0.shape) }
    for (group, rank) in [("attention", 16), ("mlp", 12)] where hasLoRA {
      var settings = AdapterSettings(name: group, method: "lora")
      settings.targets = [try Pattern(group)]
      let adapter = try AttachedAdapter(
        settings, method: LoRA(LowRank(rank: rank)), on: builder.tree, defaults: [], seed: 0)
      found += adapter.parameters.map { parameter in
        let key = parameter.path.replacing(".lora_A.weight", with: ".A")
          .replacing(".lora_B.weight", with: ".B")
        return (key, parameter.shape)
      }
    }
    return Dictionary(uniqueKeysWithValues: found)
  }

  @Test(
    "and shapes and totals are the reference's in every size, with LoRA and without",
    .enabled(if: Shared.isPresent, "../shared is absent"))
  func stateDictionary() throws {
    let path = Shared.path("fixtures/morph/state_dict_keys.json")
    let file = try #require(try JSONValue(contentsOf: path).object)
    for name in ["Ti", "Ti_lora16_12", "S", "M", "L", "L_lora16_12"] {
      let stored = try #require(file[name]?.object)
      let expected = try #require(stored["keys"]?.object)
      let found = try keys(
        size: String(name.prefix { $0 != "_" }), hasLoRA: name.hasSuffix("lora16_12"))
      #expect(Set(found.keys) == Set(expected.keys), "\(name)")
      for (key, shape) in expected.entries {
        #expect(found[key] == shape.array?.compactMap(\.integer), "\(name): \(key)")
      }
      let total = found.values.reduce(0) { $0 + $1.reduce(1, *) }
      #expect(total == stored["parameters"]?.integer, "\(name)")
    }
    Parity.passed("morph/state_dict_keys")
  }
}
