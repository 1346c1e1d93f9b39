import Layers
import Recipes
import Tasks
import Tensors
import TestSupport
import Testing

@Suite("Heads and decoders")
struct DecoderTests {
  private let features = FeatureShape(width: 8, pooledWidth: 6, blocks: 4, patch: [4, 4])

  private func maps(batch: Int = 2, grid: [Int] = [4, 6]) -> [Tensor] {
    (0..<4).map { FiniteDifferences.values([batch, 8] + grid, seed: $0).cast(to: .f32) }
  }

  /// A dense decoder with few channels, on the learned neck where it needs one.
  private func model(
    _ name: String, _ more: [PlainValue.Field] = [], neck: (any Neck.Type)? = LearnedNeck.self
  ) throws -> DecoderModel {
    let type = try decoders.entry(named: name)
    let narrow: [PlainValue.Field] = [
      .init("channels", 8), .init("pyramid_channels", 8), .init("segmentation_channels", 32),
      .init("top_channels", 128), .init("out_channels", 16),
    ]
    let names = Set(more.map(\.key))
    let options = narrow.filter { type.options[$0.key] != nil && !names.contains($0.key) } + more
    let model = try DecoderModel(
      type, .map(options), neck: type.needsPyramid ? neck : nil, features: features, outputs: 3)
    model.tree.initialize(seed: 3)
    return model
  }

  @Test("give values for every pixel of the image", arguments: decoders.names)
  func shape(name: String) throws {
    let logits = try model(name)(maps(), imageSize: [16, 24], .evaluation)
    #expect(logits.shape == [2, 3, 16, 24])
    #expect(logits.isFinite)
  }

  @Test("train all their parameters but the FPN's unused levels", arguments: decoders.names)
  func gradients(name: String) throws {
    let model = try model(name)
    let logits = model(
      maps(), imageSize: [16, 24], .training(seed: 1, step: 0, samples: 0..<2))
    let gradients = (logits * logits).sum().gradients()
    let absent = model.tree.parameters.filter { gradients[$0.leaf] == nil }.map(\.path)
    let unused = (1...3).flatMap { level in
      ["weight", "bias"].map { "decoder.layer_blocks.\(level).0.\($0)" }
    }
    #expect(absent == (name == FeaturePyramidDecoder.name ? unused : []))
  }

  @Test("have a key of their own for each parameter in every layout", arguments: decoders.names)
  func layouts(name: String) throws {
    let type = try decoders.entry(named: name)
    let paths = try model(name).tree.stored.map(\.path).filter { $0.hasPrefix("decoder.") }
    #expect(type.layouts[0].key(of: paths[0]) == paths[0])
    for layout in type.layouts {
      #expect(Set(paths.map { layout.key(of: $0) }).count == paths.count, "\(layout.name)")
    }
  }

  @Test("of UPerNet are read from the files of four programs")
  func upernetKeys() throws {
    let keys = UPerNet.layouts.dropFirst().map { layout in
      ["psp_modules.0.1.norm.running_var", "fpn_convs.2.conv.weight", "head.bias"].map {
        layout.key(of: "decoder." + $0)
      }
    }
    #expect(
      keys == [
        [
          "decoder.psp_modules.0.1.norm.running_var", "decoder.fpn_convs.2.conv.weight",
          "head.head.2.bias",
        ],
        [
          "decode_head.psp_modules.0.1.batch_norm.running_var",
          "decode_head.fpn_convs.2.conv.weight", "decode_head.classifier.bias",
        ],
        [
          "decode_head.psp_modules.0.1.bn.running_var", "decode_head.fpn_convs.2.conv.weight",
          "decode_head.conv_seg.bias",
        ],
        ["psp_modules.0.1.1.running_var", "fpn_convs.2.0.weight", "conv_seg.bias"],
      ])
  }

  @Test("follow the program that UPerNet's variant names")
  func variants() throws {
    func paths(_ more: [PlainValue.Field]) throws -> [String: [Int]] {
      let model = try model("upernet", more)
      return Dictionary(uniqueKeysWithValues: model.tree.parameters.map { ($0.path, $0.shape) })
    }
    let pangaea = try paths([.init("variant", "pangaea")])
    #expect(pangaea["decoder.bottleneck.conv.bias"] == [8])
    let terratorch = try paths([])
    #expect(terratorch["decoder.bottleneck.conv.bias"] == nil)
    #expect(
      try paths([.init("variant", "pangaea"), .init("conv_bias", false)]).keys.sorted()
        == terratorch.keys.sorted())
    func logits(_ aligned: Bool) throws -> Tensor {
      try model("upernet", [.init("align_corners", .boolean(aligned))])(
        maps(), imageSize: [16, 24], .evaluation)
    }
    let standard = try model("upernet")(maps(), imageSize: [16, 24], .evaluation)
    #expect(try logits(true).bits == standard.bits)
    #expect(try logits(false).largestDifference(from: standard) > 1e-4)
  }

  @Test("join the levels of the semantic FPN by sum or by channels")
  func merges() throws {
    let model = try model("fpn-semantic", [.init("merge", "cat")])
    let head = try #require(model.tree.parameters.first { $0.path == "decoder.head.weight" })
    #expect(head.shape == [3, 128, 1, 1])
    #expect(model(maps(), imageSize: [16, 24], .evaluation).shape == [2, 3, 16, 24])
  }

  @Test(
    "take the map of the block that is named",
    arguments: [LinearDecoder.name, LinearTransposeDecoder.name])
  func block(name: String) throws {
    #expect(try model(name).decoder.blocks == [3])
    #expect(try model(name, [.init("block", 1)]).decoder.blocks == [1])
    let error = #expect(throws: RecipeError.self) { try model(name, [.init("block", 4)]) }
    #expect(
      try #require(error).description.contains(
        "model.decoder.block: there is no block 4; the backbone's blocks are 0 to 3"))
  }

  @Test("drop whole channels in training alone", arguments: ["linear", "fpn", "upernet"])
  func dropout(name: String) throws {
    let model = try model(name, [.init("dropout", 0.5)])
    let training = ForwardContext.training(seed: 1, step: 0, samples: 0..<2)
      .usingBatchStatistics(false)
    let plain = model(maps(), imageSize: [16, 24], .evaluation)
    #expect(model(maps(), imageSize: [16, 24], .evaluation).bits == plain.bits)
    #expect(model(maps(), imageSize: [16, 24], training).largestDifference(from: plain) > 1e-3)
  }

  @Test("map pooled features to one vector for a sample")
  func linearHead() throws {
    let type = try heads.entry(named: "linear")
    let model = try DecoderModel(type, ["dropout": 0.5], features: features, outputs: 5)
    model.tree.initialize(seed: 2)
    #expect(model.tree.parameters.map(\.path) == ["decoder.weight", "decoder.bias"])
    #expect(type.needsPyramid == false && model.decoder.blocks.isEmpty)
    var pooled = Features()
    pooled.pooled = FiniteDifferences.values([2, 6], seed: 1).cast(to: .f32)
    let logits = model.decoder(pooled, imageSize: [8, 8], .evaluation)
    #expect(logits.shape == [2, 5])
    let training = model.decoder(
      pooled, imageSize: [8, 8], .training(seed: 1, step: 0, samples: 0..<2))
    #expect(training.largestDifference(from: logits) > 1e-3)
  }

  @Test(
    "refuse to stand without the four maps that they need",
    arguments: ["fpn", "fpn-semantic", "upernet"])
  func fewMaps(name: String) throws {
    let bare = #expect(throws: RecipeError.self) { try model(name, neck: nil) }
    #expect(
      try #require(bare).description.contains(
        "decoder \(name) needs a pyramid of 4 maps, but the model has no neck; set model.neck"))
    let few = #expect(throws: RecipeError.self) {
      try DecoderModel(
        try decoders.entry(named: name), neck: MaxPoolNeck.self, ["blocks": [1, 3]],
        features: features, outputs: 3)
    }
    #expect(
      try #require(few).description.contains(
        "needs a pyramid of 4 maps, the neck makes 2; name 4 blocks in model.neck.blocks"))
  }

  @Test("refuse channels that the semantic FPN's norms cannot group", arguments: [0, 48])
  func groupChannels(channels: Int) throws {
    let error = #expect(throws: RecipeError.self) {
      try model("fpn-semantic", [.init("segmentation_channels", .integer(channels))])
    }
    #expect(try #require(error).description.contains("model.decoder.segmentation_channels"))
  }

  @Test("refuse images whose maps are no exact doubles, for the semantic FPN")
  func oddGrid() throws {
    let decoder = try model("fpn-semantic").decoder
    try decoder.check(imageSize: [16, 24], samples: 1, isTraining: true)
    let error = #expect(throws: TaskError.self) {
      try decoder.check(imageSize: [16, 28], samples: 1, isTraining: false)
    }
    #expect(
      try #require(error).description
        == "decoder fpn-semantic: for images of 16 × 28 pixels its maps are 16 × 28, 8 × 14, 4 × 7, "
        + "2 × 3, each must be twice the next. Use sides that are multiples of 8 and 8 pixels, or "
        + "decoder upernet.")
  }

  @Test("refuse one sample in training where a batch norm sees one pixel of it")
  func oneSample() throws {
    let decoder = try model("upernet").decoder
    try decoder.check(imageSize: [16, 16], samples: 1, isTraining: false)
    try decoder.check(imageSize: [16, 16], samples: 2, isTraining: true)
    try model("upernet", [.init("pool_scales", [2, 3])]).decoder
      .check(imageSize: [16, 16], samples: 1, isTraining: true)
    let error = #expect(throws: TaskError.self) {
      try decoder.check(imageSize: [16, 16], samples: 1, isTraining: true)
    }
    #expect(
      try #require(error).description
        == "decoder upernet: batch norm after pooling to 1 × 1 pixel (pool_scales 1) needs 2 "
        + "samples or more in training. Raise data.batch_size, or leave 1 out of "
        + "model.decoder.pool_scales.")
  }
}
