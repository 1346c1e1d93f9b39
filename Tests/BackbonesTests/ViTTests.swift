import Backbones
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Vision transformer")
struct ViTTests {
  @Test("draws initial values as timm does")
  func initialValues() throws {
    let built = try BuiltViT.small([
      ("init_values", 0.25), ("num_classes", 8), ("global_pool", "map"), ("embed_dim", 64),
    ])
    func elements(_ path: String) throws -> [Float] {
      try #require(built.tree.parameter(path)).value.elements(as: Float.self)
    }
    func deviation(_ path: String) throws -> Double {
      let values = try elements(path).map(Double.init)
      return (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
    }
    for path in ["blocks.0.attn.qkv.weight", "blocks.1.mlp.fc2.weight", "head.weight", "pos_embed"]
    {
      #expect(abs(try deviation(path) - 0.02) < 0.003, "\(path)")
    }
    #expect(try elements("blocks.0.attn.qkv.bias").allSatisfy { $0 == 0 })
    #expect(try elements("blocks.0.ls1.gamma").allSatisfy { $0 == 0.25 })
    #expect(try elements("cls_token").allSatisfy { abs($0) < 1e-5 && $0 != 0 })
    #expect(try elements("attn_pool.latent").allSatisfy { abs($0) <= 2 / 8 })
    #expect(try deviation("attn_pool.latent") > 0.08)
    let bound = 1 / Float(3 * 4 * 4).squareRoot()
    #expect(try elements("patch_embed.proj.bias").contains { abs($0) > bound / 2 })
  }

  @Test("names rows, groups and default targets")
  func sites() throws {
    let built = try BuiltViT.small([("num_classes", 3), ("global_pool", "map")])
    let qkv = try #require(built.tree.site("blocks.1.attn.qkv"))
    #expect(qkv.rowNames.map(\.name) == ["q", "k", "v"])
    #expect(qkv.rowNames[1].rows == 16..<32)
    #expect(built.tree.groups == ["all-linear", "attention", "conv", "head", "mlp"])
    let patterns = try ViT.defaultTargets.map { try Pattern($0) }
    // The pooling's MLP is one more.
    let targets = built.tree.sites.filter { site in
      patterns.contains { $0.matches(path: site.path, groups: site.groups) }
    }
    #expect(targets.count == 4 * 2 + 2)
  }

  @Test(
    "refuses images of another shape",
    arguments: [
      ([2, 3, 8], "expected axes batch, channel, height, width"),
      ([2, 4, 8, 8], "images of 4 channels, the model takes 3"),
      ([2, 3, 8, 12], "set dynamic_img_size: true"),
    ])
  func refusals(shape: [Int], text: String) throws {
    let vit = try BuiltViT.small().vit
    let error = #expect(throws: BackboneError.self) { try vit.check(["image": shape]) }
    #expect(try #require(error).description.contains(text))
  }

  @Test("takes images of any multiple of the patch where the size is dynamic")
  func dynamicSize() throws {
    let vit = try BuiltViT.small([("dynamic_img_size", true), ("num_classes", 2)]).vit
    try vit.check(["image": [1, 3, 12, 20]])
    let error = #expect(throws: BackboneError.self) { try vit.check(["image": [1, 3, 12, 18]]) }
    #expect(try #require(error).description.contains("image width of 18 px is no multiple"))
    let output = vit(BackboneInput(values([2, 3, 12, 20])), maps: [1], .evaluation)
    #expect(output.logits?.shape == [2, 2])
    #expect(output.features.tokens?.shape == [2, 16, 16])
    #expect(output.features.maps[1]?.shape == [2, 16, 3, 5])
  }

  @Test("gives maps of blocks before the final norm and after it")
  func maps() throws {
    let built = try BuiltViT.small([("reg_tokens", 2)])
    let features = built.vit(BackboneInput(values([1, 3, 8, 8])), maps: [0, 1], .evaluation)
      .features
    let tokens = try #require(features.tokens)
    #expect(tokens.shape == [1, 7, 16])
    let last = try #require(features.normalizedMaps[1])
    let patches = tokens.sliced(axis: 1, 3..<7).permuted([0, 2, 1]).reshaped(to: [1, 16, 2, 2])
    #expect(last.bits == patches.bits)
    let raw = try #require(features.maps[1])
    #expect(raw.largestDifference(from: last) > 0.1)
    #expect(Set(features.maps.keys) == [0, 1])
    #expect(features.pooled?.bits == tokens.sliced(axis: 1, 0..<1).bits)
  }

  @Test("every parameter receives a gradient, with and without activation checkpointing")
  func gradients() throws {
    let built = try BuiltViT.small([
      ("num_classes", 3), ("qk_norm", true), ("init_values", 0.1), ("reg_tokens", 1),
      ("pre_norm", true), ("drop_path_rate", 0.3), ("proj_drop_rate", 0.2),
      ("attn_drop_rate", 0.2), ("pos_drop_rate", 0.2),
    ])
    let x = values([4, 3, 8, 8])
    func gradients(checkpoints: Bool) throws -> [Tensor] {
      var context = ForwardContext.training(seed: 3, step: 1, samples: 0..<4)
      context.checkpointsActivations = checkpoints
      let output = built.vit(BackboneInput(x), context)
      let logits = try #require(output.logits)
      let found = (logits * logits).sum().gradients()
      return try built.tree.parameters.map { try #require(found[$0.leaf], "\($0.path)") }
    }
    let (plain, again) = (try gradients(checkpoints: false), try gradients(checkpoints: true))
    for (a, b) in zip(plain, again) {
      #expect(a.largestDifference(from: b) <= 1e-6 * max(1, a.largestMagnitude))
    }
  }

  @Test("drops whole branches sample by sample while training")
  func dropPath() throws {
    let built = try BuiltViT.small([("drop_path_rate", 0.9), ("num_classes", 2)])
    let x = values([1, 3, 8, 8]).expanded(to: [6, 3, 8, 8])
    let context = ForwardContext.training(seed: 5, step: 0, samples: 0..<6)
    let logits = try #require(built.vit(BackboneInput(x), context).logits)
    let calm = try #require(built.vit(BackboneInput(x), .evaluation).logits)
    func spread(_ logits: Tensor) -> Float {
      (1..<6).reduce(0) { largest, sample in
        let row = logits.sliced(axis: 0, sample..<(sample + 1))
        return max(largest, row.largestDifference(from: logits.sliced(axis: 0, 0..<1)))
      }
    }
    #expect(spread(logits) > 1e-3)
    #expect(spread(calm) <= 1e-6)
  }
}
