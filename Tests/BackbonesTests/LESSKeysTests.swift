import Backbones
import Layers
import Recipes
import TestSupport
import Tensors
import Testing

@Suite("LESS ViT's keys and sizes")
struct LESSKeysTests {
  /// A published size with its parameters, counted on the reference.
  struct Size: Sendable, CustomTestStringConvertible {
    let name: String
    let channelWidth: Int
    let rank: Int
    let encoder: Int
    let decoder: Int?
    var testDescription: String { "\(name), b \(channelWidth), rank \(rank)" }

    init(_ name: String, _ channelWidth: Int, _ rank: Int, _ encoder: Int, _ decoder: Int?) {
      self.name = name
      self.channelWidth = channelWidth
      self.rank = rank
      self.encoder = encoder
      self.decoder = decoder
    }
  }

  /// The tree of a pretraining model, its parameters never drawn.
  private func tree(
    _ fields: [PlainValue.Field], channelWidth: Int, decoderDepth: Int
  ) throws -> (tree: ModuleTree, model: HyperMAE) {
    let configuration = try lessConfiguration(
      fields + [
        .init("channel_embed_dims_per_head", .integer(channelWidth)), .init("init_values", 1),
      ])
    let builder = ModelBuilder()
    let model = HyperMAE(
      configuration,
      decoder: configuration.decoder(
        width: 512, depth: decoderDepth, heads: 16, channelHeadWidth: channelWidth),
      HyperMAE.Settings(), in: builder.root)
    return (builder.tree, model)
  }

  private func count(_ tree: ModuleTree, _ prefix: String) -> Int {
    tree.parameters.filter { $0.path.hasPrefix(prefix) }.reduce(0) { $0 + $1.elementCount }
  }

  @Test(
    "parameters of the published sizes",
    arguments: [
      Size("S", 2, 1, 21_045_888, 12_391_424), Size("S", 2, 2, 21_938_976, 12_926_208),
      Size("S", 2, 4, 23_725_152, 13_995_776), Size("S", 2, 8, 27_297_504, 16_134_912),
      Size("S", 4, 1, 18_360_576, 10_899_968), Size("S", 4, 8, 20_025_792, 12_057_600),
      Size("B", 2, 1, 83_219_328, 12_588_032), Size("B", 2, 2, 86_781_888, 13_122_816),
      Size("B", 2, 4, 93_907_008, 14_192_384), Size("B", 2, 8, 108_157_248, 16_331_520),
      Size("B", 4, 1, 72_502_272, nil),
    ])
  func counts(size: Size) throws {
    let (tree, _) = try tree(
      [.init("size", .text(size.name)), .init("rank", .integer(size.rank))],
      channelWidth: size.channelWidth, decoderDepth: 4)
    #expect(count(tree, "encoder.") == size.encoder)
    if let decoder = size.decoder { #expect(count(tree, "decoder.") == decoder) }
  }

  @Test(
    "parameters of the second generation, patches of 4",
    arguments: [("S", 17_991_936, 21_091_360), ("B", 71_764_992, 21_287_968)])
  func secondGeneration(name: String, encoder: Int, decoder: Int) throws {
    let (tree, _) = try tree(
      [
        .init("size", .text(name)), .init("patch_size", 4), .init("generation", 2),
        .init("use_rope_embed", true),
      ], channelWidth: 4, decoderDepth: 8)
    #expect(count(tree, "encoder.") == encoder)
    #expect(count(tree, "decoder.") == decoder)
    let buffers = Dictionary(
      uniqueKeysWithValues: tree.buffers.map { ($0.path, $0.shape) })
    #expect(
      buffers == [
        "encoder.pos_chan_embed.periods_hw": [4], "encoder.pos_chan_embed.periods_c": [2],
        "decoder.pos_chan_embed.periods_hw": [2], "decoder.pos_chan_embed.periods_c": [2],
      ])
  }

  /// Keys of the smallest published model without its numbered blocks, and those of one block.
  private static let encoderKeys: [String: [Int]] = [
    "cls_token": [1, 1, 384], "spatial_cls_token": [1, 1, 384],
    "channel_cls_token": [1, 1, 384], "norm.weight": [384], "norm.bias": [384],
  ]
  private static let embeddingKeys: [String: [Int]] = [
    "proj.0.weight": [768, 1, 1, 16, 16], "proj.0.bias": [768],
    "proj.2.weight": [384, 768, 1, 1, 1], "proj.2.bias": [384],
  ]
  private static let decoderKeys: [String: [Int]] = [
    "mask_token": [1, 1, 1, 512], "spatial_mask_token": [1, 1, 1, 512],
    "channel_mask_token": [1, 1, 1, 512], "decoder_embed.weight": [512, 384],
    "decoder_embed.bias": [512], "decoder_norm.weight": [512], "decoder_norm.bias": [512],
    "decoder_optical_pred.weight": [256, 512], "decoder_optical_pred.bias": [256],
    "decoder_radar_pred.weight": [256, 512], "decoder_radar_pred.bias": [256],
  ]

  /// A block's keys at rank 1 for a width and the widths of its branches.
  private static func blockKeys(_ d: Int, _ dc: Int, _ ds: Int) -> [String: [Int]] {
    var keys: [String: [Int]] = [
      "norm1.weight": [d], "norm1.bias": [d], "norm2.weight": [d], "norm2.bias": [d],
      "ls1.gamma": [d], "ls2.gamma": [d], "attn.proj.weight": [d, d], "attn.proj.bias": [d],
      "mlp.fc1.weight": [4 * d, d], "mlp.fc1.bias": [4 * d], "mlp.fc2.weight": [d, 4 * d],
      "mlp.fc2.bias": [d],
    ]
    for (axis, width) in [("channel", dc), ("spatial", ds)] {
      for norm in ["\(axis)_norm", "low_dim_pool.\(axis)_norm"] {
        keys["\(norm).weight"] = [width]
        keys["\(norm).bias"] = [width]
      }
      let linears = [
        ("low_dim_pool.\(axis)_linear", width, d), ("low_dim_pool.\(axis)_pool.q", width, width),
        ("low_dim_pool.\(axis)_pool.kv", 2 * width, width),
        ("low_dim_pool.\(axis)_pool.proj", width, width),
        ("attn.\(axis)_branch.qk", 2 * width, width), ("attn.\(axis)_branch.v", width, width),
      ]
      for (name, outputs, inputs) in linears {
        keys["\(name).weight"] = [outputs, inputs]
        keys["\(name).bias"] = [outputs]
      }
    }
    return keys
  }

  @Test("shapes under the reference's keys: 728 entries in the smallest model")
  func stateDictionary() throws {
    let (tree, model) = try tree([.init("size", "S")], channelWidth: 2, decoderDepth: 4)
    var expected: [String: [Int]] = [:]
    func add(_ prefix: String, _ keys: [String: [Int]]) {
      for (key, shape) in keys { expected[prefix + key] = shape }
    }
    add("encoder.", Self.encoderKeys)
    for input in ["optical", "radar"] { add("encoder.\(input)_patch_embed.", Self.embeddingKeys) }
    for block in 0..<12 { add("encoder.blocks.\(block).", Self.blockKeys(384, 12, 192)) }
    add("decoder.", Self.decoderKeys)
    for block in 0..<4 { add("decoder.decoder_blocks.\(block).", Self.blockKeys(512, 32, 256)) }
    let found = Dictionary(
      uniqueKeysWithValues: tree.stored.map { (model.layouts[0].key(of: $0.path), $0.shape) })
    #expect(found.count == 728)
    #expect(found == expected)
  }

  @Test("norms of queries and keys exist where they are asked for")
  func headNorms() throws {
    let (_, tree) = try lessViT(smallLESS + [.init("qk_norm", true)])
    for place in [
      "low_dim_pool.channel_pool", "low_dim_pool.spatial_pool", "attn.channel_branch",
      "attn.spatial_branch",
    ] {
      for norm in ["q_norm.weight", "q_norm.bias", "k_norm.weight", "k_norm.bias"] {
        #expect(tree.parameter("blocks.0.\(place).\(norm)")?.shape == [4], "\(place).\(norm)")
      }
    }
  }

  @Test(
    "both generations' spellings are read, alone and from a pretraining file",
    arguments: [1, 2], ["", "encoder."])
  func spellings(generation: Int, prefix: String) throws {
    for spelled in [1, 2] {
      let (writer, tree) = try lessViT(smallLESS + [.init("generation", .integer(spelled))])
      let keys = Set(
        tree.stored.map { prefix + writer.layouts[0].key(of: $0.path) }
          + (prefix.isEmpty ? [] : ["decoder.mask_token"]))
      #expect(
        keys.contains(prefix + "blocks.0.attn.low_dim_pool.channel_norm.bias") == (spelled == 2))
      let (reader, _) = try lessViT(smallLESS + [.init("generation", .integer(generation))])
      let layouts = reader.layouts.filter { $0.recognizes(keys) }
      let layout = try #require(layouts.first)
      #expect(layouts.count == 1)
      #expect(Set(tree.stored.map { layout.key(of: $0.path) }).isSubset(of: keys))
      #expect(layout.ignores("encoder.perception_field_mask"))
      #expect(layout.isHead("decoder.mask_token") == !prefix.isEmpty)
    }
  }

  @Test("first values are Xavier uniform, biases zero, tokens small, LayerScale as asked")
  func initialization() throws {
    let (_, tree) = try lessViT(smallLESS + [.init("init_values", 0.25)])
    func values(_ path: String) throws -> [Float] {
      try #require(tree.parameter(path)).value.elements(as: Float.self)
    }
    #expect(try values("blocks.0.ls1.gamma").allSatisfy { $0 == 0.25 })
    #expect(try values("blocks.0.mlp.fc1.bias").allSatisfy { $0 == 0 })
    let bound = Float((6.0 / 160).squareRoot())
    let weights = try values("blocks.0.mlp.fc1.weight")
    #expect(weights.allSatisfy { abs($0) <= bound })
    #expect((weights.max() ?? 0) > 0.95 * bound)
    #expect(try values("cls_token").allSatisfy { abs($0) < 0.1 })
    let kernels = try values("optical_patch_embed.proj.0.weight")
    #expect((kernels.max() ?? 0) <= Float((6.0 / 80).squareRoot()))
  }
}
