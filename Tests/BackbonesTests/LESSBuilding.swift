import Backbones
import Layers
import Recipes
import TestSupport
import Tensors

/// Options of a small model: patches of 4, two heads, one block.
let smallLESS: [PlainValue.Field] = [
  .init("patch_size", 4), .init("embed_dim", 32), .init("depth", 1), .init("num_heads", 2),
]

/// A reader of LESS ViT's options.
func lessOptions(_ fields: [PlainValue.Field], _ diagnostics: Diagnostics) -> OptionReader {
  OptionReader(
    Located(plain: .map(fields), at: SourceLocation(source: "test"), path: "model.backbone"),
    LESSViT.options, diagnostics)
}

/// A model with its tree, its parameters drawn.
func lessViT(_ fields: [PlainValue.Field] = smallLESS) throws -> (
  model: LESSViT, tree: ModuleTree
) {
  let diagnostics = Diagnostics()
  let builder = ModelBuilder()
  let model = LESSViT(
    lessOptions(fields, diagnostics), for: DataShape(), in: builder.root, diagnostics)
  try diagnostics.throwErrors()
  builder.tree.initialize(seed: 5)
  return (model, builder.tree)
}

/// A configuration without problems.
func lessConfiguration(_ fields: [PlainValue.Field] = smallLESS) throws -> LESSConfiguration {
  let diagnostics = Diagnostics()
  let configuration = LESSConfiguration(lessOptions(fields, diagnostics), diagnostics)
  try diagnostics.throwErrors()
  return configuration
}

/// A small masked autoencoder with its tree, its parameters drawn.
func hyperMAE(
  _ fields: [PlainValue.Field] = smallLESS, _ change: (inout HyperMAE.Settings) -> Void = { _ in }
) throws -> (model: HyperMAE, tree: ModuleTree) {
  let builder = ModelBuilder()
  let configuration = try lessConfiguration(fields)
  var settings = HyperMAE.Settings()
  change(&settings)
  let model = HyperMAE(
    configuration,
    decoder: configuration.decoder(width: 24, depth: 1, heads: 2, channelHeadWidth: 2),
    settings, in: builder.root)
  builder.tree.initialize(seed: 5)
  return (model, builder.tree)
}

/// Images of chosen numbers of channels, with wavelengths and 10 m pixels.
func scene(batch: Int = 2, optical: Int = 3, radar: Int = 0, side: Int = 8) -> BackboneInput {
  var input = BackboneInput([:], resolution: 10)
  let channels = [
    ("optical", optical, 442.7, 80.0), ("radar", radar, 5500, 200),
  ]
  for (name, count, first, step) in channels where count > 0 {
    input.values[name] = FiniteDifferences.values([batch, count, side, side], seed: count)
      .cast(to: .f32)
    input.wavelengths[name] = (0..<count).map { first + step * Double($0) }
  }
  return input
}

extension BackboneInput {
  /// Some of the samples.
  func samples(_ range: Range<Int>) -> BackboneInput {
    var part = self
    part.values = values.mapValues { $0.sliced(axis: 0, range) }
    return part
  }
}
