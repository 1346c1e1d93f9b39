import Backbones
import Layers
import Recipes
import TestSupport
import Tensors
import Testing

@Suite("LESS ViT refuses")
struct LESSRefusalTests {
  @Test(
    "options that contradict each other",
    arguments: [
      (["embed_dim": 30, "num_heads": 4], "channel_embed_dims_per_head 4 times num_heads 4"),
      (["embed_dim": 18, "num_heads": 3, "channel_embed_dims_per_head": 2], "divisible by 4"),
      (["use_rope_embed": true], "belongs to generation 2"),
      (
        [
          "use_rope_embed": true, "generation": 2, "embed_dim": 48,
          "channel_embed_dims_per_head": 4, "num_heads": 2,
        ], "give 6 and 4"
      ),
      (
        [
          "use_rope_embed": true, "generation": 2, "embed_dim": 72,
          "channel_embed_dims_per_head": 3, "num_heads": 6,
        ], "even channel head width"
      ),
      (["wavelength_range": [900, 400]], "does not ascend"),
      (["patch_size": 0], "a number >= 1"),
    ] as [([String: PlainValue], String)])
  func options(changes: [String: PlainValue], text: String) throws {
    let diagnostics = Diagnostics()
    let fields =
      smallLESS.filter { changes[$0.key] == nil } + changes.map { .init($0.key, $0.value) }
    _ = LESSViT(
      lessOptions(fields, diagnostics), for: DataShape(), in: ModelBuilder().root, diagnostics)
    let error = #expect(throws: RecipeError.self) { try diagnostics.throwErrors() }
    let found = try #require(error).description
    #expect(found.contains(text), "\(found)")
  }

  @Test(
    "images that are no square grid of patches, before the data is opened",
    arguments: [([10, 8], "patches of patch_size 4"), ([8, 12], "2 x 3 patches")])
  func imageSize(size: [Int], text: String) throws {
    let diagnostics = Diagnostics()
    _ = LESSViT(
      lessOptions(smallLESS, diagnostics), for: DataShape(imageSize: size),
      in: ModelBuilder().root, diagnostics)
    let error = #expect(throws: RecipeError.self) { try diagnostics.throwErrors() }
    #expect(try #require(error).description.contains(text))
  }

  @Test(
    "shapes that it cannot take, naming the input",
    arguments: [
      (["image": [1, 3, 8, 8]], "Map them in model.inputs"),
      ([:], "expected optical, radar or both"),
      (["optical": [3, 8, 8]], "expected axes B, C, H, W"),
      (["optical": [1, 3, 8, 9]], "input optical: images of 8 x 9 pixels cannot be cut"),
      (["radar": [1, 2, 8, 4]], "input radar: images of 8 x 4 pixels give a grid of 2 x 1"),
      (["optical": [1, 3, 8, 8], "radar": [1, 2, 4, 4]], "differ in batch, height or width"),
    ] as [([String: [Int]], String)])
  func shapes(shapes: [String: [Int]], text: String) throws {
    let model = try lessViT().model
    let error = #expect(throws: BackboneError.self) { try model.check(shapes) }
    #expect(try #require(error).description.contains(text))
  }

  @Test("a batch without wavelengths or resolution, naming the field that gives them")
  func missingParts() throws {
    let model = try lessViT(
      smallLESS + [.init("generation", 2), .init("use_rope_embed", true)]
    ).model
    func refusal(_ change: (inout BackboneInput) -> Void) throws -> String {
      var input = scene()
      change(&input)
      let error = #expect(throws: BackboneError.self) { try model.check(input) }
      return try #require(error).description
    }
    try model.check(scene())
    #expect(
      try refusal { $0.wavelengths = [:] }.contains("data.inputs.<name>.wavelengths"))
    #expect(
      try refusal { $0.wavelengths["optical"] = [500] }.contains("3 channels and 1 wavelengths"))
    #expect(try refusal { $0.resolution = nil }.contains("data.inputs.<name>.resolution"))
    #expect(
      try refusal { $0.wavelengths["optical"] = [500, 600, 5500] }.contains("outside"))
  }

  @Test(
    "pretraining without the input that its mode encodes, or with nothing masked",
    arguments: [HyperMAE.Mode.radar, .optical])
  func pretraining(mode: HyperMAE.Mode) throws {
    let model = try hyperMAE { $0.mode = mode }.model
    let input = mode == .radar ? scene() : scene(optical: 0, radar: 2)
    let error = #expect(throws: BackboneError.self) { try model.check(input) }
    #expect(try #require(error).description.contains("needs an input \(mode.rawValue)"))
    let unmasked = try hyperMAE { ($0.maskRatio, $0.channelMaskRatio) = (0, 0) }.model
    let nothing = #expect(throws: BackboneError.self) { try unmasked.check(scene()) }
    #expect(try #require(nothing).description.contains("nothing is masked"))
  }

  @Test("decoder widths of pretraining that do not divide")
  func decoderWidths() throws {
    let diagnostics = Diagnostics()
    _ = HyperMAE(
      lessOptions(
        smallLESS + [.init("decoder_channel_embed_dims_per_head", 5)], diagnostics), .standard,
      for: DataShape(), in: ModelBuilder().root, diagnostics)
    let error = #expect(throws: RecipeError.self) { try diagnostics.throwErrors() }
    #expect(
      try #require(error).description.contains(
        "decoder_embed_dim 512 is not divisible by decoder_channel_embed_dims_per_head 5"))
  }

  @Test("sampling of channels in the generation that lacks it")
  func channelSampling() throws {
    let diagnostics = Diagnostics()
    var settings = HyperMAE.Settings()
    settings.channelDropout = 0.7...0.8
    for generation in [LESSConfiguration.Generation.second, .first] {
      settings.report(
        for: generation, to: diagnostics, at: SourceLocation(source: "test"), path: "model.backbone"
      )
      #expect(diagnostics.hasErrors == (generation == .first))
    }
  }
}
