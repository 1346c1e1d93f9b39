import Checkpoints
import Foundation
import Formats
import Tensors
import TestSupport
import Testing

@Suite("PEFT directories") struct PEFTDirectoryTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private let key = PEFTDirectory.key(module: "blocks.0.attn.qkv", parameter: "lora_A.weight")

  private func write(_ configuration: JSONObject, key: String? = nil) throws -> String {
    let path = folder.file("adapter")
    try PEFTDirectory.write(
      to: path, configuration: configuration,
      tensors: [(key ?? self.key, Tensor([1, 2, 3, 4] as [Float], shape: [2, 2]))],
      extras: ["slices": ["q"]], card: PEFTDirectory.card(baseModel: "vit", method: "LoRA"))
    return path
  }

  @Test("what is written is read back") func roundTrip() throws {
    #expect(key == "base_model.model.blocks.0.attn.qkv.lora_A.weight")
    let configuration: JSONObject = ["r": 2, "peft_type": "LORA", "lora_alpha": 4]
    let path = try write(configuration)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: path).sorted() == [
        "README.md", "adapter_config.json", "adapter_model.safetensors", "attune.json",
      ])
    let text = try String(contentsOfFile: path + "/adapter_config.json", encoding: .utf8)
    #expect(text == "{\n  \"lora_alpha\": 4,\n  \"peft_type\": \"LORA\",\n  \"r\": 2\n}")
    let adapter = try PEFTDirectory(reading: path)
    #expect(adapter.method == "LORA")
    #expect(adapter.configuration["r"]?.integer == 2)
    #expect(adapter.extras == ["slices": ["q"]])
    #expect(adapter.weights.names == [key])
    #expect(
      PEFTDirectory.modulePath(ofKey: key) == "blocks.0.attn.qkv.lora_A.weight")
    #expect(PEFTDirectory.modulePath(ofKey: PEFTDirectory.key(shared: "vera_A")) == nil)
    _ = try write(configuration)
    #expect(try folder.names == ["adapter"])
  }

  @Test("the first pattern that fits a module's end gives its value") func patterns() throws {
    let path = try write([
      "peft_type": "LORA", "r": 8,
      "rank_pattern": ["^blocks.1": 3, "attn.qkv": 2, "qkv": 5, "blocks.2": 7],
    ])
    let adapter = try PEFTDirectory(reading: path)
    func rank(_ module: String) throws -> Int? {
      try adapter.value(of: "r", patterns: "rank_pattern", module: module)?.integer
    }
    #expect(try rank("blocks.0.attn.qkv") == 2)
    #expect(try rank("blocks.0.qkv") == 5)
    #expect(try rank("blocks.0.xqkv") == 8)
    #expect(try rank("blocks.1") == 3)
    #expect(try rank("encoder.blocks.1") == 8)
    #expect(try rank("encoder.blocks.2") == 7)
  }

  @Test("reads BONE as MISS with its keys renamed") func bone() throws {
    let path = try write(
      ["peft_type": "BONE", "r": 2], key: "base_model.model.head.bone_block")
    let adapter = try PEFTDirectory(reading: path)
    #expect(adapter.method == "MISS")
    #expect(adapter.weights.names == ["base_model.model.head.miss_block"])
    #expect(
      try adapter.weights.tensor("base_model.model.head.miss_block").shape == [2, 2])
    #expect(adapter.notes.count == 1)
  }

  @Test("refuses what it cannot vouch for") func refuses() throws {
    let rank = try write(["peft_type": "LORA", "r": 3])
    let error = #expect(throws: CheckpointError.self) { try PEFTDirectory(reading: rank) }
    #expect(
      error
        == .rankMismatch(
          path: rank + "/adapter_model.safetensors", tensor: key, configured: 3, found: 2))
    for configuration in [
      ["peft_type": "XLORA"], ["peft_type": "LORAX"],
      ["peft_type": "LORA", "r": 2, "rank_pattern": ["(": 2]],
    ] as [JSONObject] {
      let path = try write(configuration)
      #expect(throws: CheckpointError.self) { try PEFTDirectory(reading: path) }
    }
    let stray = try write(["peft_type": "LORA", "r": 2], key: "head.weight")
    #expect(throws: CheckpointError.self) { try PEFTDirectory(reading: stray) }
    let own = try write(["peft_type": "ATTUNE_SALT", "r": 2])
    #expect(throws: CheckpointError.self) { try PEFTDirectory(reading: own) }
    #expect(try PEFTDirectory(reading: own, accepting: ["ATTUNE_SALT"]).method == "ATTUNE_SALT")
    try FileManager.default.moveItem(
      atPath: own + "/adapter_model.safetensors", toPath: own + "/adapter_model.bin")
    let pickle = #expect(throws: CheckpointError.self) {
      try PEFTDirectory(reading: own, accepting: ["ATTUNE_SALT"])
    }
    #expect(pickle?.category == .unsupported)
    #expect(throws: CheckpointError.self) { try PEFTDirectory(reading: folder.file("none")) }
  }
}

@Suite("PEFT directories of others", .enabled(if: Shared.isPresent, "../shared is absent"))
struct SharedPEFTDirectoryTests {
  @Test(
    "refuses the malformed directories",
    arguments: [
      ("06_unknown_peft_type", "FROBNICATE"), ("07_rank_mismatch", "has rank 8"),
      ("08_nan_weights", "blocks.0.attn.qkv"),
    ])
  func malformed(name: String, words: String) throws {
    let path = Shared.path("fixtures/malformed/\(name)")
    let error = #expect(throws: CheckpointError.self) { try PEFTDirectory(reading: path) }
    let text = try #require(error?.description)
    #expect(text.hasPrefix(path))
    #expect(text.contains(words))
  }

  static var directories: [String] {
    let root = Shared.path("fixtures/peft")
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: root)) ?? []
    return names.filter { $0.hasSuffix("/adapter_config.json") }
      .map { root + "/" + $0.dropLast("/adapter_config.json".count) }.sorted()
  }

  @Test("reads every published adapter", arguments: directories)
  func published(path: String) throws {
    let adapter = try PEFTDirectory(reading: path)
    #expect(!adapter.weights.names.isEmpty)
    #expect(adapter.notes.isEmpty)
  }
}
