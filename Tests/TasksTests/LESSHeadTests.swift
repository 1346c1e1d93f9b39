import Layers
import Recipes
import TestSupport
import Tasks
import Tensors
import Testing

@Suite("LESS ViT's heads")
struct LESSHeadTests {
  private func build(
    _ type: any Decoder.Type, _ options: [PlainValue.Field] = [],
    _ shape: FeatureShape = FeatureShape(width: 16, blocks: 1, patch: [4, 4]), outputs: Int = 3
  ) throws -> (head: any Decoder, tree: ModuleTree) {
    let diagnostics = Diagnostics()
    let builder = ModelBuilder()
    let reader = OptionReader(
      Located(plain: .map(options), at: SourceLocation(source: "test"), path: "model.decoder"),
      type.options, diagnostics)
    let head = type.init(
      reader, features: shape, outputs: outputs, in: builder.root / "decoder", diagnostics)
    try diagnostics.throwErrors()
    builder.tree.initialize(seed: 2)
    return (head, builder.tree)
  }

  /// A map of the only block, before the final norm and after it, and tokens.
  private func features(side: Int) -> Features {
    let map = FiniteDifferences.values([2, 16, side, side], seed: 4).cast(to: .f32)
    var features = Features()
    features.maps[0] = map.scaled(by: 3)
    features.normalizedMaps[0] = map
    features.tokens = map.permuted([0, 2, 3, 1]).reshaped(to: [2, side * side, 16])
    return features
  }

  @Test("the mixture takes each expert's best tokens and averages the experts")
  func mixture() throws {
    let (head, tree) = try build(
      MoELinearHead.self, [.init("experts", 2), .init("top_k", 1)],
      FeatureShape(width: 1, blocks: 1, patch: [4, 4]), outputs: 1)
    let values: [String: [Float]] = [
      "gate.weight": [1, -1], "gate.bias": [0, 0], "classifier.0.weight": [10],
      "classifier.0.bias": [1], "classifier.1.weight": [100], "classifier.1.bias": [0],
    ]
    for (name, value) in values {
      let parameter = try #require(tree.parameter("decoder." + name))
      parameter.value = Tensor(value, shape: parameter.shape)
    }
    var features = Features()
    features.named["channels"] = Tensor([2, 5, 3] as [Float], shape: [1, 3, 1])
    let logits = head(features, imageSize: [8, 8], .evaluation)
    // Expert 0 takes 5, expert 1 takes 2: (51 + 200) / 2.
    #expect(logits.elements(as: Float.self) == [125.5])
    #expect(
      MoELinearHead.layouts[1].key(of: "decoder.classifier.0.bias")
        == "classifier.classifier.0.bias")
  }

  @Test("the mixture takes all tokens when asked to, or when there are fewer")
  func allTokens() throws {
    let shape = FeatureShape(width: 16, blocks: 1, patch: [4, 4])
    let logits = try [-1, 9].map { count in
      let (head, _) = try build(
        MoELinearHead.self, [.init("experts", 2), .init("top_k", .integer(count))], shape)
      return head(features(side: 2), imageSize: [8, 8], .evaluation).bits
    }
    #expect(logits[0] == logits[1])
  }

  @Test("the first generation's decoder has the reference's size and the image's pixels")
  func pyramid() throws {
    let (_, tree) = try build(
      LESSUPerNet.self, [], FeatureShape(width: 768, blocks: 1, patch: [16, 16]), outputs: 10)
    #expect(tree.parameterCount == 23_834_122)
    let (small, _) = try build(
      LESSUPerNet.self, [.init("top_channels", 128), .init("out_channels", 16)])
    let map = small(features(side: 3), imageSize: [12, 12], .evaluation)
    #expect(map.shape == [2, 3, 12, 12])
  }

  @Test("the second generation's decoder doubles up to the image", arguments: [2, 8])
  func doublings(patch: Int) throws {
    let (head, tree) = try build(
      LESSConvolutionDecoder.self, [],
      FeatureShape(width: 16, blocks: 1, patch: [patch, patch]))
    let map = head(features(side: 2), imageSize: [2 * patch, 2 * patch], .evaluation)
    #expect(map.shape == [2, 3, 2 * patch, 2 * patch])
    let last = "decoder.segmentation_conv.\(patch == 2 ? 1 : 9).weight"
    #expect(tree.parameter(last)?.shape == [3, patch == 2 ? 16 : 64, 3, 3])
  }

  @Test("what they cannot do is refused with the field to change")
  func refusals() throws {
    func text(
      _ type: any Decoder.Type, _ options: [PlainValue.Field], patch: Int = 4
    ) throws -> String {
      let shape = FeatureShape(width: 16, blocks: 1, patch: [patch, patch])
      let error = #expect(throws: RecipeError.self) { _ = try build(type, options, shape) }
      return try #require(error).description
    }
    #expect(try text(LESSConvolutionDecoder.self, [], patch: 12).contains("power of two"))
    #expect(try text(LESSUPerNet.self, [.init("top_channels", 200)]).contains("multiple of 128"))
    #expect(try text(LESSUPerNet.self, [.init("out_channels", 20)]).contains("multiple of 16"))
    #expect(try text(LESSUPerNet.self, [.init("in_width", 768)]).contains("leave in_width out"))
    #expect(
      try text(MoELinearHead.self, [.init("experts", 1), .init("top_k", 0)]).contains("at least 1"))
  }

  @Test("dense decoders take the last block's map after the final norm")
  func normedMap() throws {
    let (head, tree) = try build(LESSConvolutionDecoder.self)
    #expect(head.blocks == [0])
    var changed = features(side: 2)
    changed.maps = [:]
    #expect(
      head(changed, imageSize: [8, 8], .evaluation).bits
        == head(features(side: 2), imageSize: [8, 8], .evaluation).bits)
    changed.maps = changed.normalizedMaps
    changed.normalizedMaps = [:]
    #expect(
      head(changed, imageSize: [8, 8], .evaluation).bits
        == head(features(side: 2), imageSize: [8, 8], .evaluation).bits)
    #expect(tree.buffers.count == 3)
  }
}
