import Layers
import Testing

@Suite("Pattern")
struct PatternTests {
  @Test(
    "takes paths by suffix, wildcard, expression and group",
    arguments: [
      ("qkv", "blocks.0.attn.qkv", true),
      ("qkv", "blocks.0.attn.myqkv", false),
      ("attn.qkv", "blocks.0.attn.qkv", true),
      ("blocks.*.attn.qkv", "blocks.11.attn.qkv", true),
      ("blocks.?.attn.qkv", "blocks.11.attn.qkv", false),
      ("blocks.*", "blocks.1.attn", false),
      ("mlp.fc?", "blocks.0.mlp.fc2", true),
      ("re:blocks\\.\\d+\\.attn\\.(qkv|proj)", "blocks.3.attn.proj", true),
      ("re:attn", "blocks.3.attn", false),
      ("attention", "blocks.3.q", true),
    ])
  func matching(text: String, path: String, expected: Bool) throws {
    let pattern = try Pattern(text)
    #expect(pattern.matches(path: path, groups: ["attention"]) == expected)
  }

  @Test("takes parameters by the module above them")
  func parameters() throws {
    #expect(try Pattern("norm1").matches(parameter: "blocks.0.norm1.weight"))
    #expect(try Pattern("pos_encoding").matches(parameter: "pos_encoding.pos_embedding"))
    #expect(try !Pattern("norm").matches(parameter: "blocks.0.norm1.weight"))
  }

  @Test("reads row slices by name and by range")
  func slices() throws {
    #expect(try Pattern("attn.qkv[q,v]").rows == [.named("q"), .named("v")])
    #expect(try Pattern("attn.qkv[0:768]").rows == [.range(0..<768)])
    #expect(try Pattern("attn.qkv[q, 8:16]").path == "attn.qkv")
    #expect(throws: PatternError.self) { try Pattern("attn.qkv[5:5]") }
    #expect(throws: PatternError.self) { try Pattern("attn.qkv[]") }
    #expect(throws: PatternError.self) { try Pattern("re:(") }
  }
}
