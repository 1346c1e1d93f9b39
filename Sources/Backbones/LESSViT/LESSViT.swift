package import Layers
package import Recipes
import Tensors

/// LESS ViT, low-rank attention over channels and positions of multispectral, radar and
/// hyperspectral images (arXiv 2503.12843, generation 2 arXiv 2605.18541).
package struct LESSViT: Backbone {
  package static let name = "less-vit"
  package static let summary =
    "low-rank spatial-spectral attention over optical, radar and hyperspectral channels"
  package static let options = LESSConfiguration.options
  package static let defaultTargets = ["attention", "mlp"]
  /// In the order of their channels.
  package static let inputNames = ["optical", "radar"]
  package static let maskedAutoencoder: (any MaskedAutoencoder.Type)? = HyperMAE.self

  package let configuration: LESSConfiguration
  package let encoder: LESSEncoder

  package init(
    _ options: OptionReader, for data: DataShape, in scope: Scope, _ diagnostics: Diagnostics
  ) {
    let configuration = LESSConfiguration(options, diagnostics)
    configuration.report(data, to: diagnostics, at: options.location, path: options.path)
    self.init(configuration, in: scope)
  }

  /// Builds the layers for a configuration.
  package init(_ configuration: LESSConfiguration, in scope: Scope) {
    self.configuration = configuration
    encoder = LESSEncoder(scope, configuration)
  }

  package var layouts: [KeyLayout] {
    let spellings = configuration.generation.spellings
    return spellings.map { $0.layout(prefix: "") } + spellings.map { $0.layout(prefix: "encoder.") }
  }

  package var featureShape: FeatureShape? {
    FeatureShape(
      width: configuration.width, blocks: configuration.depth,
      patch: [configuration.patch, configuration.patch], offersNormalizedMaps: true)
  }

  package func check(_ shapes: [String: [Int]]) throws(BackboneError) {
    try configuration.check(shapes)
  }

  package func check(_ input: BackboneInput) throws(BackboneError) {
    try configuration.check(input)
  }

  /// Features of `optical` and `radar` `[batch, channel, height, width]`, either of which may be
  /// absent.
  ///
  /// `pooled` is the token of the whole cube, `tokens` those of the positions behind it, and named
  /// `channels` is `[batch, channel + 1, width]`, the token of the cube and those of the channels.
  /// Maps are the positions' tokens of a block. `grid` is everything.
  package func callAsFunction(
    _ input: BackboneInput, maps: Set<Int>, _ context: ForwardContext
  ) -> BackboneOutput {
    let place = encoder.place(input)
    let grid = encoder.grid(input, context)
    let (last, outputs) = encoder.encoded(
      place.table.map { grid + $0 } ?? grid, place, wanted: maps, context)
    let (batch, width) = (last.shape[0], last.shape[3])
    let channels = last.sliced(axis: 2, 0..<1).reshaped(to: [batch, -1, width])
    var features = Features()
    features.pooled = channels.sliced(axis: 1, 0..<1).reshaped(to: [batch, width])
    features.tokens = positions(last)
    features.named = ["channels": channels, "grid": last]
    for (index, output) in outputs {
      let tokens = positions(output)
      features.maps[index] = map(tokens)
      features.normalizedMaps[index] = map(encoder.norm(tokens))
    }
    return BackboneOutput(features: features)
  }

  /// `[batch, width, row, column]` from the cube's token and those of the positions.
  private func map(_ tokens: Tensor) -> Tensor {
    let count = tokens.shape[1] - 1
    let side = Int(Double(count).squareRoot().rounded())
    return tokens.sliced(axis: 1, 1..<(count + 1)).permuted([0, 2, 1])
      .reshaped(to: [tokens.shape[0], tokens.shape[2], side, side])
  }

  /// The tokens of row 0: the cube's, then the positions'.
  private func positions(_ grid: Tensor) -> Tensor {
    grid.sliced(axis: 1, 0..<1).reshaped(to: [grid.shape[0], grid.shape[2], grid.shape[3]])
  }
}

extension LESSConfiguration.Generation {
  /// How checkpoints spell the blocks, this generation's way first.
  var spellings: [LESSSpelling] { self == .first ? [.flat, .nested] : [.nested, .flat] }
}

/// How a checkpoint names the parts of a block.
enum LESSSpelling: String, Sendable {
  /// Generation 1: `blocks.0.low_dim_pool`, `blocks.0.attn.proj`.
  case flat = "less-vit"
  /// Generation 2: `blocks.0.attn.low_dim_pool`, `blocks.0.attn.attn.proj`.
  case nested = "less-vit-2"

  private static let moved: Set<Substring> = [
    "low_dim_pool", "channel_norm", "spatial_norm", "attn",
  ]

  /// The key of a parameter whose path is spelled as in generation 1.
  func key(_ path: String) -> String {
    var parts = path.split(separator: ".")
    guard self == .nested,
      let block = parts.firstIndex(where: { $0 == "blocks" || $0 == "decoder_blocks" }),
      parts.count > block + 2, Self.moved.contains(parts[block + 2])
    else { return path }
    parts.insert("attn", at: block + 2)
    return parts.joined(separator: ".")
  }

  /// The layout whose keys begin with `prefix`; others belong to a decoder or head.
  func layout(prefix: String) -> KeyLayout {
    let token = prefix + "cls_token"
    let pool = prefix + key("blocks.0.low_dim_pool.channel_norm.weight")
    return KeyLayout(
      prefix.isEmpty ? rawValue : "\(rawValue)-pretraining",
      recognizes: { $0.contains(token) && $0.contains(pool) },
      ignores: { $0.hasSuffix("perception_field_mask") },
      heads: { prefix.isEmpty ? KeyLayout.isUsualHead($0) : !$0.hasPrefix(prefix) },
      key: { prefix + key($0) })
  }
}
