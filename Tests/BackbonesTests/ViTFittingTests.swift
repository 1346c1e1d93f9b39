import Backbones
import Checkpoints
import Layers
import Recipes
import Tensors
import TestSupport
import Testing

@Suite("Weights for other images")
struct ViTFittingTests {
  private struct Case: Sendable, CustomTestStringConvertible {
    let key: String
    let source: String
    let prefix: Int
    let old: [Int]
    let new: [Int]
    let interpolation: ViTConfiguration.Interpolation
    var testDescription: String { key }
  }

  private static let positionCases: [Case] =
    [([14, 14], "14x14"), ([4, 4], "4x4"), ([10, 5], "10x5"), ([3, 12], "3x12")]
    .flatMap { grid, name in
      [("timm", ViTConfiguration.Interpolation.timm), ("hf", .transformers)].map {
        Case(
          key: "\($0)_7x7_to_\(name)", source: "src_cls_7x7", prefix: 1, old: [7, 7], new: grid,
          interpolation: $1)
      }
    } + [
      Case(
        key: "timm_nocls_6x6_to_9x9", source: "src_nocls_6x6", prefix: 0, old: [6, 6], new: [9, 9],
        interpolation: .timm)
    ]

  @Test(
    "a position table of another grid", .enabled(if: Shared.isPresent, "../shared is absent"),
    arguments: positionCases)
  private func positions(wanted: Case) throws {
    let file = try SafetensorsFile(path: Shared.path("fixtures/peft/pos_embed/io.safetensors"))
    let found = resampledPositionTable(
      try file.tensor(wanted.source), prefix: wanted.prefix, from: wanted.old, to: wanted.new,
      wanted.interpolation)
    let expected = try file.tensor(wanted.key)
    #expect(found.shape == expected.shape)
    #expect(found.largestDifference(from: expected) <= 2e-6 * max(1, expected.largestMagnitude))
    Parity.passed("peft/pos_embed/\(wanted.key)")
  }

  @Test(
    "a patch kernel of another size", .enabled(if: Shared.isPresent, "../shared is absent"),
    arguments: [4, 6, 10, 16])
  func patchKernel(side: Int) throws {
    let file = try SafetensorsFile(path: Shared.path("fixtures/peft/pos_embed/io.safetensors"))
    let found = resampledPatchKernel(
      try file.tensor("patch_src_8x8"), to: [side, side], .timm)
    let expected = try file.tensor("timm_patch_8x8_to_\(side)x\(side)")
    #expect(found.shape == expected.shape)
    #expect(found.largestDifference(from: expected) <= 1e-5 * max(1, expected.largestMagnitude))
    Parity.passed("peft/pos_embed/timm_patch_8x8_to_\(side)x\(side)")
  }

  private func fitted(
    _ stored: Tensor, _ path: String, _ fit: WeightFit, options: [(String, PlainValue)] = []
  ) throws -> Tensor? {
    let built = try BuiltViT.small(options)
    let parameter = try #require(built.tree.parameter(path))
    return try built.vit.fitted(stored, to: parameter, fit)
  }

  @Test("a table is resampled as the layout's program does it", arguments: ["timm", "hf", "jax"])
  func layouts(name: String) throws {
    let stored = values([1, 17, 16])
    let found = try #require(
      try fitted(stored, "pos_embed", WeightFit(layout: name), options: [("img_size", [12, 8])]))
    let interpolation: ViTConfiguration.Interpolation =
      ["timm": .timm, "hf": .transformers, "jax": .jax][name] ?? .timm
    let expected = resampledPositionTable(
      stored, prefix: 1, from: [4, 4], to: [3, 2], interpolation)
    #expect(found.bits == expected.bits)
    #expect(found.sliced(axis: 1, 0..<1).bits == stored.sliced(axis: 1, 0..<1).bits)
  }

  @Test("a table that is no square grid is refused")
  func noSquare() throws {
    let error = #expect(throws: BackboneError.self) {
      try fitted(values([1, 16, 16]), "pos_embed", WeightFit(layout: "timm"))
    }
    #expect(
      try #require(error).description.contains(
        "the file has 16 positions; less 1 of class and register tokens they are no square grid"))
  }

  @Test("kernels of other sizes are resampled for timm and refused for transformers")
  func kernelSize() throws {
    let stored = values([16, 3, 8, 8])
    let found = try fitted(stored, "patch_embed.proj.weight", WeightFit(layout: "timm"))
    #expect(found?.bits == resampledPatchKernel(stored, to: [4, 4], .timm).bits)
    #expect(try fitted(stored, "patch_embed.proj.weight", WeightFit(layout: "hf")) == nil)
    #expect(
      try fitted(values([5, 5]), "blocks.0.attn.qkv.weight", WeightFit(layout: "timm")) == nil)
  }

  private func kernel(_ policy: ModelSection.ChannelPolicy, channels: Int, numbers: [Int]? = nil)
    throws -> Tensor?
  {
    try fitted(
      values([16, 3, 4, 4]), "patch_embed.proj.weight",
      WeightFit(channelPolicy: policy, channels: numbers, layout: "timm"),
      options: [("in_chans", .integer(channels))])
  }

  @Test("channels are selected by number, averaged, or repeated as timm does it")
  func channelPolicies() throws {
    let stored = values([16, 3, 4, 4])
    func channel(_ kernel: Tensor, _ number: Int) -> Tensor {
      kernel.sliced(axis: 1, number..<(number + 1))
    }
    let selected = try #require(try kernel(.select, channels: 2, numbers: [2, 0]))
    #expect(channel(selected, 0).bits == channel(stored, 2).bits)
    #expect(channel(selected, 1).bits == channel(stored, 0).bits)

    let mean = try #require(try kernel(.mean, channels: 5))
    #expect(channel(mean, 0).bits == channel(mean, 4).bits)
    #expect(mean.summed(over: [1]).largestDifference(from: stored.summed(over: [1])) <= 1e-6)

    let repeated = try #require(try kernel(.repeat, channels: 5))
    #expect(channel(repeated, 4).bits == channel(stored, 1).scaled(by: 3.0 / 5).bits)
    let one = try #require(try kernel(.repeat, channels: 1))
    #expect(one.largestDifference(from: stored.summed(over: [1])) <= 1e-6)

    let random = try #require(try kernel(.random, channels: 5))
    #expect(
      random.bits
        == (try BuiltViT.small([("in_chans", 5)])).tree
        .parameter("patch_embed.proj.weight")?.value.bits)
  }

  @Test(
    "channels that do not fit are refused with the way out",
    arguments: [
      (
        ModelSection.ChannelPolicy.refuse,
        "the weights are for 3 channels, the model has 12. Set model.channel_policy to select"
      ),
      (.select, "channel_policy select needs the names of the 3 stored channels. Give model.bands"),
    ])
  func channelRefusals(policy: ModelSection.ChannelPolicy, text: String) throws {
    let error = #expect(throws: BackboneError.self) { try kernel(policy, channels: 12) }
    #expect(try #require(error).description.contains(text))
  }
}
