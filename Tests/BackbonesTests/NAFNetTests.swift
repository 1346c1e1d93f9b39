import Backbones
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("NAFNet")
struct NAFNetTests {
  private struct Model {
    let nafnet: NAFNet
    let tree: ModuleTree
    var shapes: [String: [Int]] {
      Dictionary(uniqueKeysWithValues: tree.parameters.map { ($0.path, $0.shape) })
    }
  }

  private func model(_ options: PlainValue, channels: Int? = nil) throws -> Model {
    let diagnostics = Diagnostics()
    let reader = OptionReader(
      Located(plain: options, at: SourceLocation(source: "test")), NAFNet.options, diagnostics)
    let builder = ModelBuilder()
    let nafnet = NAFNet(reader, for: DataShape(channels: channels), in: builder.root, diagnostics)
    try diagnostics.throwErrors()
    return Model(nafnet: nafnet, tree: builder.tree)
  }

  /// A small network with all its values away from where they start.
  private func small(_ more: [PlainValue.Field] = []) throws -> Model {
    let fields: [PlainValue.Field] = [
      .init("width", 4), .init("enc_blk_nums", [1, 1]), .init("middle_blk_num", 1),
      .init("dec_blk_nums", [1, 1]),
    ]
    let model = try model(.map(fields + more), channels: 3)
    for (index, parameter) in model.tree.parameters.enumerated() {
      parameter.value = FiniteDifferences.values(parameter.shape, seed: index)
        .scaled(by: 0.5).cast(to: .f32)
    }
    return model
  }

  private func image(_ height: Int, _ width: Int, batch: Int = 1, seed: Int = 1) -> Tensor {
    FiniteDifferences.values([batch, 3, height, width], seed: seed).cast(to: .f32)
  }

  @Test(
    "has the sizes of the released models",
    arguments: [
      (32, [2, 2, 4, 8], 12, [2, 2, 2, 2], 29_159_715),
      (64, [2, 2, 4, 8], 12, [2, 2, 2, 2], 115_982_915),
      (32, [1, 1, 1, 28], 1, [1, 1, 1, 1], 17_111_907),
      (64, [1, 1, 1, 28], 1, [1, 1, 1, 1], 67_888_835),
    ])
  func sizes(width: Int, encoder: [Int], middle: Int, decoder: [Int], count: Int) {
    let builder = ModelBuilder()
    _ = NAFNet(
      NAFNetConfiguration(
        width: width, encoderBlocks: encoder, middleBlocks: middle, decoderBlocks: decoder),
      in: builder.root)
    #expect(builder.tree.parameterCount == count)
    #expect(builder.tree.stored.count == 664)
  }

  @Test("stores what the reference stores, under its keys")
  func keys() throws {
    let shapes = try model([:]).shapes
    let expected: [String: [Int]] = [
      "intro.weight": [32, 3, 3, 3], "intro.bias": [32],
      "encoders.0.0.beta": [1, 32, 1, 1], "encoders.0.1.gamma": [1, 32, 1, 1],
      "encoders.0.0.conv1.weight": [64, 32, 1, 1], "encoders.0.0.conv1.bias": [64],
      "encoders.0.0.conv2.weight": [64, 1, 3, 3], "encoders.0.0.conv2.bias": [64],
      "encoders.0.0.conv3.weight": [32, 32, 1, 1], "encoders.0.0.conv3.bias": [32],
      "encoders.0.0.sca.1.weight": [32, 32, 1, 1], "encoders.0.0.sca.1.bias": [32],
      "encoders.0.0.conv4.weight": [64, 32, 1, 1], "encoders.0.0.conv4.bias": [64],
      "encoders.0.0.conv5.weight": [32, 32, 1, 1], "encoders.0.0.conv5.bias": [32],
      "encoders.0.0.norm1.weight": [32], "encoders.0.0.norm2.bias": [32],
      "downs.0.weight": [64, 32, 2, 2], "downs.3.weight": [512, 256, 2, 2], "downs.3.bias": [512],
      "middle_blks.11.conv1.weight": [1024, 512, 1, 1],
      "ups.0.0.weight": [1024, 512, 1, 1], "ups.3.0.weight": [128, 64, 1, 1],
      "encoders.3.7.norm1.weight": [256], "decoders.0.1.norm1.weight": [256],
      "decoders.3.1.norm1.weight": [32],
      "ending.weight": [3, 32, 3, 3], "ending.bias": [3],
    ]
    for (key, shape) in expected { #expect(shapes[key] == shape, "\(key)") }
    #expect(shapes["ups.0.0.bias"] == nil)
    #expect(shapes.keys.filter { $0.hasPrefix("encoders.0.0.") }.count == 18)
  }

  @Test("restores the channels that the data has")
  func channels() throws {
    let shapes = try model([:], channels: 5).shapes
    #expect(shapes["intro.weight"] == [32, 5, 3, 3])
    #expect(shapes["ending.weight"] == [5, 32, 3, 3])
  }

  @Test("has the baseline's block with GELU and squeeze-and-excitation")
  func baseline() throws {
    let model = try small([.init("block", "baseline")])
    let shapes = model.shapes
    #expect(shapes["encoders.0.0.conv1.weight"] == [4, 4, 1, 1])
    #expect(shapes["encoders.0.0.conv2.weight"] == [4, 1, 3, 3])
    #expect(shapes["encoders.0.0.se.1.weight"] == [2, 4, 1, 1])
    #expect(shapes["encoders.0.0.se.3.weight"] == [4, 2, 1, 1])
    #expect(shapes["encoders.0.0.conv5.weight"] == [4, 8, 1, 1])
    #expect(shapes["encoders.0.0.sca.1.weight"] == nil)
    let block = model.tree.parameters.filter { $0.path.hasPrefix("encoders.0.0.") }
    // 7 c² + 22.5 c values at width 4.
    #expect(block.reduce(0) { $0 + $1.elementCount } == 7 * 16 + 90)
    let prediction = try #require(
      model.nafnet(BackboneInput(image(8, 8)), .evaluation).prediction)
    let gradients = prediction.sum().gradients()
    #expect(model.tree.parameters.allSatisfy { gradients[$0.leaf] != nil })
  }

  @Test(
    "takes images of any size, and gives them back in that size",
    arguments: [[1, 1], [5, 7], [8, 4], [13, 16]])
  func anySize(size: [Int]) throws {
    let model = try small()
    let input = image(size[0], size[1], batch: 2)
    let prediction = try #require(model.nafnet(BackboneInput(input), .evaluation).prediction)
    #expect(prediction.shape == input.shape)
    let padded = input.padded(axis: 2, before: 0, after: -size[0] & 3)
      .padded(axis: 3, before: 0, after: -size[1] & 3)
    let whole = try #require(model.nafnet(BackboneInput(padded), .evaluation).prediction)
    let cropped = whole.sliced(axis: 2, 0..<size[0]).sliced(axis: 3, 0..<size[1])
    #expect(cropped.bits == prediction.bits)
  }

  @Test("starts with blocks that change nothing")
  func identity() throws {
    func prediction(blocks: Bool) throws -> Tensor {
      let counts: PlainValue = blocks ? [1, 2] : [0, 0]
      let model = try model([
        "width": 4, "enc_blk_nums": counts, "middle_blk_num": .integer(blocks ? 3 : 0),
        "dec_blk_nums": counts,
      ])
      model.tree.initialize(seed: 5)
      return try #require(model.nafnet(BackboneInput(image(8, 8)), .evaluation).prediction)
    }
    #expect(try prediction(blocks: true).largestDifference(from: prediction(blocks: false)) == 0)
  }

  @Test("gives the same gradients when blocks are computed again")
  func checkpointing() throws {
    let model = try small()
    func gradients(checkpoints: Bool) throws -> Gradients {
      var context = ForwardContext.evaluation
      context.checkpointsActivations = checkpoints
      let prediction = try #require(
        model.nafnet(BackboneInput(image(8, 12, batch: 2)), context).prediction)
      return (prediction * prediction).sum().gradients()
    }
    let (plain, recomputed) = (
      try gradients(checkpoints: false), try gradients(checkpoints: true)
    )
    for parameter in model.tree.parameters {
      let gradient = try #require(plain[parameter.leaf], "\(parameter.path)")
      #expect(recomputed[parameter.leaf]?.bits == gradient.bits, "\(parameter.path)")
    }
  }

  @Test("pools over the whole image until it is larger than one and a half training images")
  func localPooling() throws {
    let (whole, local) = (try small(), try small([.init("local", true), .init("train_size", 8)]))
    func difference(_ size: Int) throws -> Float {
      let input = BackboneInput(image(size, size))
      let expected = try #require(whole.nafnet(input, .evaluation).prediction)
      return try #require(local.nafnet(input, .evaluation).prediction)
        .largestDifference(from: expected)
    }
    #expect(try difference(12) == 0)
    #expect(try difference(16) > 1e-3)
  }

  @Test("keeps the outputs of modules that are asked for, and no others")
  func stages() throws {
    let model = try small()
    let stages = model.nafnet.stages
    #expect(
      stages == [
        "intro", "encoders.0", "downs.0", "encoders.1", "downs.1", "middle_blks", "ups.0",
        "decoders.0", "ups.1", "decoders.1",
      ])
    let output = model.nafnet(BackboneInput(image(7, 8)), maps: [0, 5], .evaluation)
    #expect(output.features.named["intro"]?.shape == [1, 4, 8, 8])
    #expect(output.features.named["middle_blks"]?.shape == [1, 16, 2, 2])
    #expect(output.features.named.count == 2)
  }

  @Test("offers every convolution but the depthwise ones as `conv`")
  func groups() throws {
    let sites = try small().tree.sites
    let others = sites.filter { !$0.groups.contains("conv") }.map(\.path)
    #expect(others.count == 5 && others.allSatisfy { $0.hasSuffix(".conv2") })
    let pointwise = sites.filter { $0.groups.contains("all-linear") }
    #expect(pointwise.allSatisfy { $0.weight.shape[2...] == [1, 1] })
    #expect(pointwise.count == 5 * 5 + 2)
  }

  private static let contradicting: [(PlainValue, String)] = [
    (["enc_blk_nums": [1, 1]], "has 2 levels, dec_blk_nums"),
    (["block": "baseline", "width": 5], "use an even width"),
    (
      [
        "enc_blk_nums": .list([PlainValue](repeating: 1, count: 17)),
        "dec_blk_nums": .list([PlainValue](repeating: 1, count: 17)),
      ], "use 16 at most"
    ),
  ]

  @Test("refuses options that contradict each other", arguments: contradicting)
  func contradictions(options: PlainValue, text: String) throws {
    let error = #expect(throws: RecipeError.self) { try model(options) }
    #expect(try #require(error).description.contains(text))
  }

  @Test(
    "refuses inputs that are no images of its channels",
    arguments: [
      ([1, 3, 8], "expected axes B, C, H, W"), ([1, 3, 0, 8], "expected axes B, C, H, W"),
      ([1, 4, 8, 8], "has 4 channels, the model restores 3. Set model.in_chans"),
    ])
  func refusals(shape: [Int], text: String) throws {
    let nafnet = try small().nafnet
    let error = #expect(throws: BackboneError.self) { try nafnet.check(["image": shape]) }
    #expect(try #require(error).description.contains(text))
  }
}
