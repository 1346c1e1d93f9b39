import Adapters
import Backbones
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("LoLA-SpecViT")
struct LoLASpecViTTests {
  private struct Built {
    let model: LoLASpecViT
    let tree: ModuleTree
  }

  /// The model of a recipe's options.
  private func built(
    _ options: PlainValue,
    data: DataShape = DataShape(imageSize: [15, 15], channels: 15, classes: 9)
  ) throws -> Built {
    let diagnostics = Diagnostics()
    let reader = OptionReader(
      Located(plain: options, at: SourceLocation(source: "test")), LoLASpecViT.options, diagnostics)
    let builder = ModelBuilder()
    let model = LoLASpecViT(reader, for: data, in: builder.root, diagnostics)
    try diagnostics.throwErrors()
    return Built(model: model, tree: builder.tree)
  }

  /// Two stages on patches of 7 pixels, with drawn values; the grid of the second fills no window.
  private func small(
    _ options: [(String, PlainValue)] = [], classes: Int? = 5
  ) throws -> Built {
    let sizes: [(String, PlainValue)] = [
      ("dim", 16), ("depths", [1, 2]), ("num_heads", [2, 4]), ("window_size", 3),
      ("mlp_ratio", 1.5),
    ]
    let built = try built(
      .map((sizes + options).map { PlainValue.Field($0.0, $0.1) }),
      data: DataShape(imageSize: [7, 7], channels: 6, classes: classes))
    built.tree.initialize(seed: 3)
    return built
  }

  private let x = FiniteDifferences.values([2, 6, 7, 7], seed: 1).cast(to: .f32)

  /// Values that the adapters of the reference train.
  private func adapterCount(_ built: Built, rank: Int) throws -> Int {
    let places = [(LoLASpecViT.defaultTargets, true), (["head"], false)]
    return try places.reduce(0) { sum, place in
      var settings = AdapterSettings(name: "gated", method: GatedLoRA.name)
      settings.targets = try place.0.map { try Pattern($0) }
      let method = GatedLoRA(rank: rank, alpha: 32, hasGate: place.1)
      let targets = try settings.resolveTargets(
        in: built.tree, defaults: [], lowRank: method.lowRank)
      return sum + targets.reduce(0) { $0 + method.trainableCount(for: $1) }
    }
  }

  @Test(
    "has the reference's parameter counts and number of keys",
    arguments: [
      (9, 254_639_541, 73_586_832), (16, 254_642_348, 73_586_944), (22, 254_644_754, 73_587_040),
      (6, 254_638_338, 73_586_784),
    ])
  func counts(classes: Int, total: Int, trainable: Int) throws {
    let built = try built(
      [:], data: DataShape(imageSize: [15, 15], channels: 15, classes: classes))
    let adapters = try adapterCount(built, rank: 16)
    #expect(adapters == trainable)
    #expect(built.tree.parameterCount + adapters == total)
    let blocks = 26
    #expect(built.tree.stored.count + blocks + 16 * blocks + 2 == 993)
  }

  @Test(
    "has the sizes of its presets, which single options override",
    arguments: [
      ("base", 96, 12, [4, 8, 16]), ("reduced", 64, 8, [4, 8, 16]), ("tiny", 64, 6, [4, 8, 16]),
      ("mini", 48, 4, [2, 4, 8]), ("2layer", 32, 4, [2, 4]),
    ])
  func presets(name: String, dim: Int, blocks: Int, heads: [Int]) throws {
    let configuration = try built(["preset": .text(name)]).model.configuration
    #expect(configuration.dim == dim)
    #expect(configuration.depths.reduce(0, +) == blocks)
    #expect(configuration.heads == heads)
    #expect(configuration.windows == heads.map { _ in 7 })
    #expect(try built(["preset": .text(name), "dim": 128]).model.configuration.dim == 128)
  }

  @Test(
    "refuses options that contradict each other or the data",
    arguments: [
      (["depths": [1, 1]], [15, 15], "num_heads [4, 8, 16] is for 3 stages"),
      (["window_size": [7, 7]], [15, 15], "window_size [7, 7] is for 2 stages"),
      (["dim": 100, "num_heads": [4, 8, 32]], [15, 15], "stage 2 has width 400"),
      ([:], [15, 9], "set data.patch.size to one number"),
      ([:], [1, 1], "at least 2 x 2 pixels"),
      (["dim": 8], [15, 15], ">= 16"),
    ] as [(PlainValue, [Int], String)])
  func contradictions(options: PlainValue, size: [Int], text: String) throws {
    let error = #expect(throws: (any Error).self) {
      try built(options, data: DataShape(imageSize: size, channels: 15, classes: 3))
    }
    #expect("\(try #require(error))".contains(text))
  }

  @Test(
    "refuses what it cannot take, naming the field to change",
    arguments: [
      ([2, 6, 7], "expected axes batch, component, row, column"),
      ([2, 6, 9, 9], "patches of 9 x 9 pixels, the position table is for 7 x 7"),
      ([2, 6, 7, 6], "Set data.patch.size: 7"),
    ])
  func refusals(shape: [Int], text: String) throws {
    let model = try small().model
    let error = #expect(throws: BackboneError.self) { try model.check(["image": shape]) }
    #expect(try #require(error).description.contains(text))
    try model.check(["image": [1, 50, 7, 7]])
  }

  @Test("refuses a position table of another patch, and resamples nothing")
  func foreignPositions() throws {
    let built = try small()
    let table = try #require(built.tree.parameter("pos_embed"))
    let error = #expect(throws: BackboneError.self) {
      try built.model.fitted(
        Tensor(zeros: [1, 7, 7, 16]), to: table, WeightFit(layout: "lola-specvit"))
    }
    #expect(try #require(error).description.contains("patches of 14 or 15 pixels"))
    let norm = try #require(built.tree.parameter("norm.weight"))
    let fitted = try built.model.fitted(
      Tensor(zeros: [64]), to: norm, WeightFit(layout: "lola-specvit"))
    #expect(fitted == nil)
  }

  @Test("reads the keys of both programs")
  func keys() throws {
    let layouts = try small().model.layouts
    let paths = [
      "levels.0.0.attn.qkv.weight", "levels.1.0.mlp.3.bias", "head.weight", "norm.weight",
      "levels.0.0.mlp.1.w3.bias", "levels.0.0.attn.qkv.lora_gate.weight", "pos_embed",
    ]
    #expect(
      paths.map { layouts[0].key(of: $0) } == [
        "levels.0.0.attn.qkv.linear.weight", "levels.1.0.mlp.3.linear.bias", "head.linear.weight",
        "norm.weight", "levels.0.0.mlp.1.w3.bias", "levels.0.0.attn.qkv.lora_gate.weight",
        "pos_embed",
      ])
    #expect(layouts[1].key(of: paths[4]) == "levels.0.0.mlp.1.W.bias")
    let second: Set = ["pos_embed", "levels.0.0.mlp.1.W.weight"]
    #expect(layouts.map { $0.recognizes(second) } == [false, true])
    #expect(layouts.map { $0.recognizes(["pos_embed"]) } == [true, false])
    #expect(layouts[0].ignores("levels.0.0.attn.relative_position_index"))
    #expect(!layouts[0].ignores("levels.0.0.attn.qkv.lora_up.weight"))
  }

  @Test("offers its groups to target patterns")
  func groups() throws {
    let tree = try small().tree
    #expect(tree.groups == ["all-linear", "attention", "conv", "head", "mlp"])
    let attention = tree.sites.filter { $0.groups.contains("attention") }
    #expect(attention.count == 6)
    #expect(attention.first?.rowNames.map(\.name) == ["q", "k", "v"])
    let untouched = tree.sites.filter(\.groups.isEmpty).map(\.path)
    #expect(untouched == ["levels.0.1.conv.0"], "a depthwise convolution")
  }

  @Test("gives features of the shape that it tells, and logits where classes are known")
  func features() throws {
    let built = try small()
    let output = built.model(BackboneInput(x), maps: [0, 1], .evaluation)
    #expect(output.logits?.shape == [2, 5])
    #expect(output.features.pooled?.shape == [2, 32])
    #expect(output.features.tokens?.shape == [2, 4, 32])
    let shape = try #require(built.model.featureShape)
    #expect(shape == FeatureShape(width: 32, blocks: 2, patch: [4, 4]))
    #expect(output.features.maps.mapValues(\.shape) == [0: [2, 32, 2, 2], 1: [2, 32, 2, 2]])
    let last = try #require(output.features.maps[1]).permuted([0, 2, 3, 1])
    #expect(last.bits == output.features.named["level1"]?.bits)
    let headless = try small(classes: nil)
    #expect(headless.model(BackboneInput(x), .evaluation).logits == nil)
    #expect(headless.tree.site("head") == nil)
  }

  @Test("gives the same gradients when blocks are computed again")
  func checkpointing() throws {
    func run(_ isChecked: Bool) throws -> ([UInt32], [String: [UInt32]], [UInt32]) {
      let built = try small([("drop_path_rate", 0.4)])
      var context = ForwardContext.training(seed: 2, step: 1, samples: 0..<2)
      context.checkpointsActivations = isChecked
      let logits = try #require(built.model(BackboneInput(x), context).logits)
      let gradients = (logits * logits).sum().gradients()
      let found = built.tree.parameters.map { ($0.path, gradients[$0.leaf]?.bits ?? []) }
      let mean = try #require(
        built.tree.buffers.first { $0.path == "spectral_conv.1.running_mean" })
      return (logits.bits, Dictionary(uniqueKeysWithValues: found), mean.value.bits)
    }
    let (plain, again) = (try run(false), try run(true))
    #expect(plain.0 == again.0)
    #expect(plain.1 == again.1)
    #expect(plain.2 == again.2, "running statistics are moved once")
  }

  @Test("drops bands, positions and paths in training, whatever the cut of the batch")
  func dropout() throws {
    for name in ["band_dropout", "pos_dropout", "drop_path_rate"] {
      let others: [(String, PlainValue)] = ["band_dropout", "pos_dropout", "drop_path_rate"]
        .map { ($0, $0 == name ? 0.5 : 0.0) }
      let model = try small(others).model
      func logits(_ samples: Range<Int>) throws -> Tensor {
        let context = ForwardContext.training(seed: 1, step: 0, samples: samples)
          .usingBatchStatistics(false)
        return try #require(model(BackboneInput(x.sliced(axis: 0, samples)), context).logits)
      }
      let plain = try #require(model(BackboneInput(x), .evaluation).logits)
      let whole = try logits(0..<2)
      #expect(whole.largestDifference(from: plain) > 1e-6, "\(name)")
      let parts = Tensor.concatenated([try logits(0..<1), try logits(1..<2)], axis: 0)
      #expect(parts.largestDifference(from: whole) <= 1e-6 * whole.largestMagnitude, "\(name)")
    }
  }

  @Test("a learned spectral pool is the mean where no position stands out, else not")
  func spectralPool() throws {
    let built = try small([("spectral_pool", "learned")])
    let mean = try small()
    for parameter in mean.tree.parameters {
      try #require(built.tree.parameter(parameter.path)).value = parameter.value
    }
    func pooled(_ model: LoLASpecViT) throws -> Tensor {
      try #require(model(BackboneInput(x), .evaluation).features.named["spectral_mean"])
    }
    let second = try #require(built.tree.parameter("spectral_pool.band_score.2.weight"))
    let drawn = second.value
    second.value = Tensor(zeros: second.shape)
    let expected = try pooled(mean.model)
    #expect(try pooled(built.model).largestDifference(from: expected) <= 1e-6)
    second.value = drawn.scaled(by: 100)
    let weighed = try pooled(built.model)
    #expect(weighed.largestDifference(from: expected) > 1e-3 * expected.largestMagnitude)
    let gradients = weighed.sum().gradients()
    for name in ["band_score.0.weight", "band_score.2.weight", "mix_logit"] {
      let parameter = try #require(built.tree.parameter("spectral_pool." + name))
      #expect(try #require(gradients[parameter.leaf]).largestMagnitude > 0, "\(name)")
    }
  }

  @Test("attends to padding by default, and not with mask_padding")
  func padding() throws {
    let builder = ModelBuilder()
    let layer = LoLAWindowAttention(builder.root / "attn", width: 8, heads: 2, window: 3)
    builder.tree.initialize(seed: 6)
    for parameter in builder.tree.parameters {
      parameter.value = FiniteDifferences.values(parameter.shape, seed: 8).cast(to: .f32)
    }
    let grid = FiniteDifferences.values([2, 2, 2, 8], seed: 9).cast(to: .f32)
    let filled = lolaWindows(
      of: grid.padded(axis: 1, before: 0, after: 1).padded(axis: 2, before: 0, after: 1),
      height: 3, width: 3)
    let whole = LoLAWindowPlan(height: 3, width: 3, window: 3, masksPadding: false)
    let isOwn = [true, true, false, true, true, false, false, false, false]
    let mask = Tensor(
      (0..<81).map { isOwn[$0 % 9] ? 0 : -Float.infinity }, shape: [1, 9, 9])
    for masksPadding in [false, true] {
      let stored = layer(
        filled, whole.regions[0][0], mask: masksPadding ? mask : nil, .evaluation)
      let expected = lolaGrid(of: stored, rows: 3, columns: 3, height: 3, width: 3)
        .sliced(axis: 1, 0..<2).sliced(axis: 2, 0..<2)
      let plan = LoLAWindowPlan(height: 2, width: 2, window: 3, masksPadding: masksPadding)
      let own = layer(
        lolaWindows(of: grid, height: 2, width: 2), plan.regions[0][0], .evaluation)
      let found = lolaGrid(of: own, rows: 2, columns: 2, height: 2, width: 2)
      #expect(found.largestDifference(from: expected) <= 1e-5 * expected.largestMagnitude)
    }
    let plain = try #require(try small().model(BackboneInput(x), .evaluation).logits)
    let masked = try small([("mask_padding", true)]).model
    let other = try #require(masked(BackboneInput(x), .evaluation).logits)
    #expect(other.largestDifference(from: plain) > 1e-6)
  }

  @Test("draws first values as the reference: 0.02 for matrices and tables, biases zero")
  func initialization() throws {
    let tree = try small().tree
    for path in [
      "levels.0.0.attn.qkv.weight", "levels.1.0.mlp.1.w2.weight",
      "levels.1.0.attn.relative_position_bias_table", "pos_embed", "spectral_attention.fc.0.weight",
    ] {
      let parameter = try #require(tree.parameter(path))
      #expect(parameter.initialization == .normal(standardDeviation: 0.02), "\(path)")
    }
    #expect(tree.parameter("head.bias")?.value.largestMagnitude == 0)
    let kernel = try #require(tree.parameter("patch_embed.0.weight"))
    #expect(kernel.initialization == .fanIn(256))
  }
}
