import Adapters
import Attune
import Backbones
import Checkpoints
import Foundation
import Formats
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Export") struct ExportTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func logits(_ model: SmallViT) -> Tensor {
    let input = FiniteDifferences.values([2, 3, 32, 32], seed: 77).cast(to: .f32)
    return model.backbone(BackboneInput(input), .evaluation).logits ?? Tensor(zeros: [])
  }

  @Test(
    "a merged model opens again under its own, timm's and transformers' names",
    arguments: [ExportRequest.Format.safetensors, .timm, .hf])
  func merged(format: ExportRequest.Format) throws {
    let model = try SmallViT(adapters: [
      try SmallViT.lora(["attn.qkv[q,v]", "mlp.fc1"], saving: ["head"])
    ])
    let exported = try ExportedModel(model.model, of: model.network, as: format)
    try exported.write(to: folder.file("out"))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.file("out")).sorted()
        == (format == .safetensors ? [] : ["config.json"]) + ["model.safetensors"])
    let plain = try SmallViT()
    let record = try loadWeights(
      folder.file("out"), into: plain.model.tree, layouts: plain.backbone.layouts
    ) { _, _, _ in nil }
    #expect(record.layout == (format == .hf ? "hf" : "timm"))
    #expect(record.missing + record.unexpected == [])
    #expect(logits(plain).largestDifference(from: logits(model)) <= 1e-5)
    #expect(logits(try SmallViT()).largestDifference(from: logits(model)) > 1e-2)
  }

  @Test("config.json says all sizes") func configuration() throws {
    var wanted = SmallViT.configuration
    wanted.registers = 2
    wanted.layerScale = 0.1
    wanted.channels = 5
    let model = try SmallViT(wanted)
    try ExportedModel(model.model, of: model.network, as: .timm).write(to: folder.file("out"))
    let json = try JSONValue(contentsOf: folder.file("out/config.json")).object
    let arguments = json?["model_args"]?.object
    #expect(arguments?["embed_dim"]?.integer == 48)
    #expect(arguments?["reg_tokens"]?.integer == 2)
    #expect(arguments?["init_values"]?.number == 0.1)
    #expect(arguments?["in_chans"]?.integer == 5)
    #expect(json?["pretrained_cfg"]?.object?["num_classes"]?.integer == 10)
  }

  @Test("what a program has no model for is refused with 69") func refusals() throws {
    var registers = SmallViT.configuration
    registers.registers = 2
    var fine = SmallViT.configuration
    fine.epsilon = 1e-12
    for (configuration, format) in [
      (registers, ExportRequest.Format.hf), (fine, .timm),
    ] {
      let model = try SmallViT(configuration)
      let error = #expect(throws: ExportError.self) {
        try ExportedModel(model.model, of: model.network, as: format)
      }
      #expect(error?.exitCode == .unavailable)
      #expect(error?.description.contains("--format \(format.rawValue)") == true)
    }
  }

  @Test("an adapter folder says PEFT's names, and loads again") func adapter() throws {
    let settings = try SmallViT.lora(["qkv[q,v]", "mlp.fc1"], saving: ["head", "norm1"])
    let model = try SmallViT(adapters: [settings])
    let path = folder.file("adapter")
    let count = try exportAdapter(
      model.model, of: model.network, to: path, base: "base", baseDigest: "d")
    let directory = try PEFTDirectory(reading: path)
    #expect(count == directory.weights.names.count)
    #expect(count == 8 + 2 + 4)
    #expect(
      directory.configuration["target_modules"]?.array?.compactMap(\.string) == [
        "blocks.0.attn.qkv", "blocks.1.attn.qkv", "blocks.0.mlp.fc1", "blocks.1.mlp.fc1",
      ])
    #expect(
      directory.configuration["modules_to_save"]?.array?.compactMap(\.string) == [
        "blocks.0.norm1", "blocks.1.norm1", "head",
      ])
    #expect(directory.configuration["rank_pattern"]?.object?.count == 2)
    let again = try SmallViT(adapters: [settings])
    for parameter in again.model.trainable { parameter.initialize(seed: 9) }
    try again.model.adapters[0].load(
      from: directory, baseDigest: "d", names: ModuleNames(again.model.tree))
    #expect(logits(again).bits == logits(model).bits)
  }

  @Test("a bare name is written as an expression that takes its module alone")
  func bareName() throws {
    let model = try SmallViT(adapters: [try SmallViT.lora(["head", "fc1"])])
    _ = try exportAdapter(
      model.model, of: model.network, to: folder.file("adapter"), base: nil, baseDigest: "d")
    let targets = try PEFTDirectory(reading: folder.file("adapter"))
      .configuration["target_modules"]?.string
    #expect(targets == "head|blocks\\.0\\.mlp\\.fc1|blocks\\.1\\.mlp\\.fc1")
  }

  @Test("a trained weight's frozen bias is written with its module") func wholeModules() throws {
    let settings = try SmallViT.lora(["qkv"], saving: ["head.weight"])
    let model = try SmallViT(adapters: [settings])
    _ = try exportAdapter(
      model.model, of: model.network, to: folder.file("adapter"), base: nil, baseDigest: "d")
    let names = try PEFTDirectory(reading: folder.file("adapter")).weights.names
    #expect(names.contains("base_model.model.head.bias"))
    #expect(names.contains("base_model.model.head.weight"))
  }

  @Test(
    "what PEFT would compute differently is refused with its reason and 69",
    arguments: [
      (["qkv"], ["pos_embed"], "pos_embed"), (["qkv"], ["cls_token"], "cls_token"),
      (["head"], ["head.bias"], "also saves"),
    ])
  func unportable(targets: [String], saved: [String], words: String) throws {
    let model = try SmallViT(adapters: [try SmallViT.lora(targets, saving: saved)])
    let error = #expect(throws: AdapterError.self) {
      try exportAdapter(
        model.model, of: model.network, to: folder.file("adapter"), base: nil, baseDigest: "d")
    }
    #expect(error?.exitCode == .unavailable)
    #expect(error?.description.contains(words) == true, "\(String(describing: error))")
    #expect(try folder.names == [])
  }

  @Test("no adapter, or several at once, are refused") func several() throws {
    var second = try SmallViT.lora(["mlp.fc1"])
    second.name = "second"
    for adapters in [[], [try SmallViT.lora(["qkv"]), second]] {
      let model = try SmallViT(adapters: adapters)
      #expect(throws: ExportError.self) {
        try exportAdapter(
          model.model, of: model.network, to: folder.file("adapter"), base: nil, baseDigest: "d")
      }
    }
  }

  @Test("the sample holds an input and the output on it") func sample() throws {
    let model = try SmallViT()
    let path = folder.file("io.safetensors")
    let drawn = FiniteDifferences.values([2, 3, 32, 32], seed: 5).cast(to: .f32)
    try SamplePass(BackboneInput(drawn), model.network, .timm).write(to: path)
    let file = try SafetensorsFile(path: path)
    #expect(file.names.sorted() == ["input", "output"])
    #expect(try file.tensor("input").bits == drawn.bits)
    let output = model.backbone(BackboneInput(drawn), .evaluation).logits
    #expect(output?.bits == (try file.tensor("output").bits))
  }

  @Test(
    "an adapter of another rank is refused, a right one computes what PEFT computed",
    .enabled(if: Shared.isPresent, "../shared is absent"))
  func fixtures() throws {
    let builder = ModelBuilder()
    let vit = ViT(SmallViT.configuration, in: builder.root)
    _ = try loadWeights(
      Shared.path("fixtures/peft/base_timm"), into: builder.tree, layouts: vit.layouts
    ) { _, _, _ in nil }
    let settings = try SmallViT.lora(["qkv"])
    let adapter = try AttachedAdapter(
      settings, method: LoRA(LowRank(rank: 8, alpha: 16)), on: builder.tree, defaults: [], seed: 0)
    let folder = Shared.path("fixtures/peft/lora_qkv_r8")
    let directory = try PEFTDirectory(reading: folder + "/adapter")
    try adapter.load(from: directory, baseDigest: nil, names: ModuleNames(builder.tree))
    let io = try SafetensorsFile(path: folder + "/io.safetensors")
    let output = vit(BackboneInput(try io.tensor("input")), .evaluation).logits
    let expected = try io.tensor("output_adapted")
    #expect(try #require(output).largestDifference(from: expected) <= 1e-4)

    let tree = try SmallViT().model.tree
    let other = try AttachedAdapter(
      settings, method: LoRA(LowRank(rank: 4)), on: tree, defaults: [], seed: 0)
    #expect(throws: AdapterError.self) {
      try other.load(from: directory, baseDigest: nil, names: ModuleNames(tree))
    }
  }
}
