import Backbones
import Layers
import Recipes
import TestSupport
import Testing

@Suite("Names of vision transformers")
struct ViTModelsTests {
  private struct Row {
    let name: String
    let parameters: Int
    let fields: [String]
    init(_ line: Substring) throws {
      let words = line.split(separator: " ").map(String.init)
      name = words[0]
      parameters = try #require(Int(words[1]))
      fields = Array(words[2...])
    }
  }

  @Test("build what timm builds: parameters, sizes, heads, pooling, eps, activation, LayerScale")
  func table() throws {
    let rows = try timmModels.split(separator: "\n").map(Row.init)
    #expect(rows.count == 126)
    for row in rows {
      let built = try BuiltViT([("model", .text(row.name))])
      let configuration = built.vit.configuration
      #expect(built.tree.parameterCount == row.parameters, "\(row.name)")
      let epsilon = try #require(Double(row.fields[3]))
      #expect(abs(configuration.epsilon / epsilon - 1) < 1e-9, "\(row.name)")
      let found = [
        "\(configuration.imageSize[0])", "\(configuration.heads)", configuration.pooling.rawValue,
        configuration.activation.rawValue,
      ]
      #expect(found == [0, 1, 2, 4].map { row.fields[$0] }, "\(row.name)")
      #expect(
        configuration.layerScale == (row.fields[5] == "none" ? nil : Double(row.fields[5])),
        "\(row.name)")
    }
  }

  @Test(
    "follow the pattern beyond timm's list, and may carry a tag of weights",
    arguments: [
      ("vit_tiny_patch8_384", 8, 384, 192), ("vit_small_patch16_224.augreg_in21k", 16, 224, 384),
      ("vit_base_patch16_224.mae", 16, 224, 768),
    ])
  func pattern(name: String, patch: Int, pixels: Int, width: Int) throws {
    let configuration = try BuiltViT([("model", .text(name))]).vit.configuration
    #expect(configuration.patch == [patch, patch])
    #expect(configuration.imageSize == [pixels, pixels])
    #expect(configuration.width == width)
  }

  @Test("give way to single options")
  func overrides() throws {
    let built = try BuiltViT([
      ("model", "vit_base_patch14_reg4_dinov2"), ("img_size", [28, 56]), ("depth", 3),
      ("init_values", "none"), ("reg_tokens", 0), ("class_token", false), ("global_pool", "avg"),
      ("fc_norm", false), ("mlp_ratio", 2), ("drop_path_rate", 0.1),
    ])
    let paths = built.tree.parameters.map(\.path)
    #expect(built.tree.parameter("pos_embed")?.shape == [1, 8, 768])
    #expect(built.tree.parameter("blocks.2.mlp.fc1.weight")?.shape == [1536, 768])
    #expect(paths.contains("norm.weight"))
    #expect(
      !paths.contains { $0.contains("ls1") || $0.contains("token") || $0.contains("blocks.3") })
  }

  @Test("take image size, channels and classes from the data")
  func fromData() throws {
    let built = try BuiltViT(
      [("model", "vit_tiny_patch16_224")],
      data: DataShape(imageSize: [64, 32], channels: 12, classes: 5))
    #expect(built.tree.parameter("pos_embed")?.shape == [1, 9, 192])
    #expect(built.tree.parameter("patch_embed.proj.weight")?.shape == [192, 12, 16, 16])
    #expect(built.tree.parameter("head.weight")?.shape == [5, 192])
    #expect(built.tree.site("head")?.groups == ["head"])
  }

  @Test(
    "and options that cannot be are refused with the way out",
    arguments: [
      (
        [("model", "vit_smal_patch16_224")],
        "model.backbone.model: no plain vision transformer is called vit_smal_patch16_224; did you "
          + "mean vit_small_patch16_224?; names are timm's"
      ),
      ([("model", "vit_giant_patch14_dinov2")], "no plain vision transformer is called"),
      (
        [("embed_dim", 100), ("num_heads", 7)],
        "embed_dim 100 is not divisible by num_heads 7; change embed_dim or num_heads"
      ),
      (
        [("class_token", false)],
        "global_pool token needs the class token; use avg or map, or set class_token: true"
      ),
      (
        [("img_size", [224, 230])],
        "model.backbone.img_size: an image width of 230 px is no multiple of patch_size 16"
      ),
      ([("global_pool", "cls+avg"), ("fc_norm", true)], "set fc_norm: false"),
      ([("in_chans", 3)], "in_chans is 3, the data has 13; leave in_chans out"),
    ] as [([(String, PlainValue)], String)])
  func refusals(options: [(String, PlainValue)], text: String) throws {
    let error = #expect(throws: RecipeError.self) {
      try BuiltViT(options, data: DataShape(channels: 13))
    }
    #expect("\(try #require(error))".contains(text), "\(String(describing: error))")
  }
}
