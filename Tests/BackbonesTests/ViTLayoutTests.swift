import Backbones
import Checkpoints
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Layouts of vision transformers")
struct ViTLayoutTests {
  private static let options: [(String, PlainValue)] = [
    ("embed_dim", 48), ("depth", 2), ("num_heads", 3), ("patch_size", 8), ("img_size", 32),
    ("num_classes", 10),
  ]

  @Test(
    "files and modules of transformers hold the same weights",
    .enabled(if: Shared.isPresent, "../shared is absent"))
  func moduleNames() throws {
    let built = try BuiltViT(Self.options)
    let sources = try ["model", "model_v5_names"].map {
      try SafetensorsFile(path: Shared.path("fixtures/peft/base_hf/\($0).safetensors"))
    }
    let layouts = try sources.map { source in
      try #require(built.vit.layouts.first { $0.recognizes(Set(source.names)) })
    }
    #expect(layouts.map(\.name) == ["hf", "hf"])
    var used: [Set<String>] = [[], []]
    for parameter in built.tree.parameters {
      let both = try zip(sources, layouts).enumerated().map { index, item in
        used[index].formUnion(item.1.parts(of: parameter.path).map(\.key))
        return try item.1.value(of: parameter.path) { try item.0.tensor($0) }
      }
      #expect(both[0].shape == parameter.shape && both[0].bits == both[1].bits, "\(parameter.path)")
    }
    #expect(used == sources.map { Set($0.names) })
  }

  @Test(
    "each is told by its keys",
    arguments: [
      ("timm", ["blocks.0.attn.qkv.weight", "cls_token"]),
      ("mae", ["blocks.0.attn.qkv.weight", "mask_token", "decoder_embed.weight"]),
      ("dinov2", ["blocks.0.attn.qkv.weight", "mask_token"]),
      ("jax", ["embedding/kernel", "cls"]),
    ])
  func recognition(name: String, keys: [String]) throws {
    let vit = try BuiltViT.small().vit
    #expect(vit.layouts.first { $0.recognizes(Set(keys)) }?.name == name)
  }

  @Test("decoders, mask tokens and heads may be left over where the model has none")
  func leftovers() throws {
    let bare = try BuiltViT.small().vit
    let mae = try #require(bare.layouts.first { $0.name == "mae" })
    #expect(mae.ignores("decoder_blocks.0.norm1.weight") && mae.ignores("mask_token"))
    #expect(!mae.ignores("blocks.12.norm1.weight"))
    #expect(bare.layouts[0].isHead("head.weight") && !bare.layouts[0].ignores("head.weight"))
    let hf = try #require(bare.layouts.first { $0.name == "hf" })
    #expect(hf.ignores("vit.pooler.dense.weight") && hf.ignores("decoder.mask_token"))
    #expect(!hf.ignores("vit.embeddings.cls_token"))
  }

  @Test("the class position of DINOv2's files is folded into the token where registers follow it")
  func foldedPosition() throws {
    let built = try BuiltViT.small([
      ("reg_tokens", 4), ("no_embed_class", true), ("init_values", 1e-5),
    ])
    let stored = [
      "cls_token": values([1, 1, 16], seed: 1), "pos_embed": values([1, 5, 16], seed: 2),
      "register_tokens": values([1, 4, 16], seed: 3),
    ]
    let layout = try #require(built.vit.layouts.first { $0.name == "dinov2" })
    func value(_ path: String) throws -> Tensor {
      try layout.value(of: path) { try #require(stored[$0]) }
    }
    let (token, table) = (try #require(stored["cls_token"]), try #require(stored["pos_embed"]))
    #expect(try value("cls_token").bits == (token + table.sliced(axis: 1, 0..<1)).bits)
    #expect(try value("pos_embed").bits == table.sliced(axis: 1, 1..<5).bits)
    #expect(try value("reg_token").shape == [1, 4, 16])
  }
}
