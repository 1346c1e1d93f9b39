import Backbones
import Layers
import Recipes
import TestSupport
import Tensors
import Testing

@Suite("LESS ViT")
struct LESSViTTests {
  private func grid(_ model: LESSViT, _ input: BackboneInput) throws -> Tensor {
    try #require(model(input, .evaluation).features.named["grid"])
  }

  @Test("offers the tokens of cube, positions and channels, and maps of blocks before the norm")
  func features() throws {
    let (model, _) = try lessViT()
    let output = model(scene(optical: 3, radar: 2), maps: [0], .evaluation)
    let features = output.features
    let grid = try #require(features.named["grid"])
    #expect(grid.shape == [2, 6, 5, 32])
    let channels = try #require(features.named["channels"])
    #expect(channels.shape == [2, 6, 32])
    #expect(channels.bits == grid.sliced(axis: 2, 0..<1).bits)
    let tokens = try #require(features.tokens)
    #expect(tokens.bits == grid.sliced(axis: 1, 0..<1).bits)
    let pooled = try #require(features.pooled)
    #expect(pooled.bits == tokens.sliced(axis: 1, 0..<1).bits)
    let map = try #require(features.maps[0])
    #expect(map.shape == [2, 32, 2, 2] && features.maps.count == 1)
    let normalized = try #require(features.normalizedMaps[0])
    let last = tokens.sliced(axis: 1, 1..<5).permuted([0, 2, 1]).reshaped(to: map.shape)
    #expect(normalized.largestDifference(from: last) == 0)
    let byHand = layerNorm(map.permuted([0, 2, 3, 1]), weight: nil, bias: nil, epsilon: 1e-6)
    #expect(byHand.largestDifference(from: last.permuted([0, 2, 3, 1])) <= 1e-5)
    #expect(
      model.featureShape
        == FeatureShape(width: 32, blocks: 1, patch: [4, 4], offersNormalizedMaps: true))
  }

  @Test("does not depend on the order of channels that keep their wavelengths")
  func channelOrder() throws {
    let (model, _) = try lessViT()
    let input = scene(optical: 3)
    var turned = input
    let order: [Int32] = [2, 0, 1]
    turned.values["optical"] = input.values["optical"]?.gathered(
      axis: 1, indices: Tensor(order, shape: [3]))
    turned.wavelengths["optical"] = order.map { input.wavelengths["optical"]?[Int($0)] ?? 0 }
    let (a, b) = (try grid(model, input), try grid(model, turned))
    let expected = a.gathered(axis: 1, indices: Tensor([0, 3, 1, 2] as [Int32], shape: [4]))
    #expect(b.largestDifference(from: expected) <= 1e-5)
  }

  @Test("takes either input alone, whose embedding alone then gets a gradient")
  func oneInput() throws {
    for (input, absent) in [(scene(), "radar"), (scene(optical: 0, radar: 2), "optical")] {
      let (model, tree) = try lessViT()
      let gradients = try grid(model, input).sum().gradients()
      let without = tree.parameters.filter { gradients[$0.leaf] == nil }.map(\.path)
      #expect(
        without
          == ["0.weight", "2.weight", "0.bias", "2.bias"].map { "\(absent)_patch_embed.proj.\($0)" }
      )
    }
  }

  @Test("gives the same gradients with activations computed again")
  func checkpointing() throws {
    func gradients(_ isChecked: Bool) throws -> [Tensor?] {
      let (model, tree) = try lessViT(smallLESS + [.init("drop_path_rate", 0.3)])
      var context = ForwardContext.training(seed: 1, step: 3, samples: 0..<2)
      context.checkpointsActivations = isChecked
      let loss = (try #require(model(scene(), context).features.pooled) * pattern).sum()
      let found = loss.gradients()
      return tree.parameters.map { found[$0.leaf] }
    }
    for (a, b) in zip(try gradients(false), try gradients(true)) {
      #expect(a?.bits == b?.bits)
    }
  }

  private var pattern: Tensor { FiniteDifferences.values([2, 32], seed: 9).cast(to: .f32) }

  @Test("drops paths and weights while training, by seed and step")
  func dropout() throws {
    let (model, _) = try lessViT(
      smallLESS
        + [
          .init("depth", 2), .init("drop_path_rate", 0.5), .init("drop_path_uniform", true),
          .init("attn_drop", 0.2), .init("proj_drop", 0.2),
        ].filter { $0.key != "depth" })
    func pooled(_ step: Int) throws -> [UInt32] {
      let context = ForwardContext.training(seed: 1, step: step, samples: 0..<2)
      return try #require(model(scene(), context).features.pooled).bits
    }
    #expect(try pooled(1) == pooled(1))
    #expect(try pooled(1) != pooled(2))
    let evaluated = try #require(model(scene(), .evaluation).features.pooled).bits
    #expect(try pooled(1) != evaluated)
  }

  @Test("lets positions attend within the radius in meters, its edge included")
  func perceptionField() {
    func allowed(_ side: Int, patch: Int, resolution: Float, radius: Double, from p: Int) -> [Int] {
      let bias = PerceptionField(side: side, patch: patch, resolution: resolution, radius: radius)
        .bias(of: Array(0..<(side * side)))
      let row = bias.elements(as: Float.self)[
        ((p + 1) * (side * side + 1))..<((p + 2) * (side * side + 1))]
      return row.enumerated().filter { $0.element == 0 }.map { $0.offset - 1 }
    }
    // Sentinel-2: 160 m between patches, four of them along a line.
    let line = allowed(11, patch: 16, resolution: 10, radius: 640, from: 60).filter { $0 / 11 == 5 }
    #expect(line.map { $0 % 11 } == [1, 2, 3, 4, 5, 6, 7, 8, 9])
    // Landsat: 480 m, so that the diagonal at 679 m is out.
    #expect(
      allowed(3, patch: 16, resolution: 30, radius: 640, from: 4) == [-1, 1, 3, 4, 5, 7])
  }

  @Test("scales nanometers by the sensor's range where queries and keys rotate")
  func rotaryWavelengths() throws {
    let rotary = smallLESS + [.init("generation", 2), .init("use_rope_embed", true)]
    var input = scene(optical: 2)
    input.wavelengths["optical"] = [418.24, 2445.53]
    let nanometers = try grid(try lessViT(rotary).model, input)
    input.wavelengths["optical"] = [0, 1]
    let scaled = try grid(
      try lessViT(rotary + [.init("wavelength_range", [0, 1])]).model, input)
    #expect(nanometers.bits == scaled.bits)
    input.wavelengths["optical"] = [1, 0]
    let swapped = try grid(
      try lessViT(rotary + [.init("wavelength_range", [0, 1])]).model, input)
    #expect(nanometers.largestDifference(from: swapped) > 1e-3)
  }

  @Test("sums the outer products of ranks with heads kept apart")
  func outerProducts() {
    // One channel, one position, one head, two ranks of width 2: [1, 2] ⊗ [5, 6] + [3, 4] ⊗ [7, 8].
    let result = sumOfOuterProducts(
      channels: Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 4]),
      positions: Tensor([5, 6, 7, 8] as [Float], shape: [1, 1, 4]), heads: 1, rank: 2)
    #expect(result.elements(as: Float.self) == [26, 30, 38, 44])
    let apart = sumOfOuterProducts(
      channels: Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 4]),
      positions: Tensor([5, 6, 7, 8] as [Float], shape: [1, 1, 4]), heads: 2, rank: 1)
    #expect(apart.elements(as: Float.self) == [5, 6, 10, 12, 21, 24, 28, 32])
  }

  @Test("labels the layers that adapters can change, fused ones with their rows")
  func adapterTargets() throws {
    let (_, tree) = try lessViT(smallLESS + [.init("rank", 3)])
    func paths(_ group: String) -> [String] {
      tree.sites.filter { $0.groups.contains(group) }.map {
        String($0.path.dropFirst("blocks.0.".count))
      }
    }
    let pools = ["channel_pool", "spatial_pool"].flatMap { pool in
      ["q", "kv", "proj"].map { "low_dim_pool.\(pool).\($0)" }
    }
    let branches = ["channel_branch", "spatial_branch"].flatMap { branch in
      ["qk", "v"].map { "attn.\(branch).\($0)" }
    }
    #expect(
      paths("attention")
        == ["low_dim_pool.channel_linear", "low_dim_pool.spatial_linear"] + pools + branches
        + ["attn.proj"])
    #expect(paths("mlp") == ["mlp.fc1", "mlp.fc2"])
    #expect(paths("all-linear") == paths("attention") + paths("mlp"))
    let fused = try #require(tree.site("blocks.0.attn.channel_branch.qk"))
    #expect(fused.rowNames.map(\.name) == ["q", "k"])
    #expect(fused.rowNames.map(\.rows) == [0..<24, 24..<48])
    let pool = try #require(tree.site("blocks.0.low_dim_pool.spatial_pool.kv"))
    #expect(pool.rowNames.map(\.name) == ["k", "v"])
    #expect(pool.rowNames.map(\.rows) == [0..<8, 8..<16])
  }
}
