package import Recipes

/// Sizes and options of LESS ViT, under the reference's names in recipes.
///
/// Generation 1 is arXiv 2503.12843, generation 2 arXiv 2605.18541; where papers and reference code
/// differ, the code is followed.
package struct LESSConfiguration: Sendable, Equatable {
  package enum Generation: Int, Sendable {
    case first = 1
    case second
  }

  package var generation: Generation
  /// Pixels of a patch's side.
  package var patch: Int
  package var width: Int
  package var depth: Int
  package var heads: Int
  /// Width of a head in the channel branch.
  package var channelHeadWidth: Int
  /// Attention products that are summed, or averaged in generation 2.
  package var rank: Int
  package var mlpRatio: Double
  package var hasProjectionBias: Bool
  package var normalizesQueriesAndKeys: Bool
  package var dropPathRate: Double
  package var isDropPathUniform: Bool
  /// First values of LayerScale, nil for none.
  package var layerScale: Double?
  package var attentionDropout: Double
  package var projectionDropout: Double
  /// Radius of the perception field in meters, nil for no mask.
  package var attentionRadius: Double?
  /// Whether queries and keys are rotated by position and wavelength instead of adding a table.
  package var isRotary: Bool
  package var rotaryBase: Double
  /// Shortest and longest band center of the sensor, which rotary wavelengths are scaled by.
  package var wavelengthRange: ClosedRange<Double>

  /// Width of the channel branch.
  package var channelWidth: Int { channelHeadWidth * heads }
  /// Width of a head in the spatial branch.
  package var spatialHeadWidth: Int { width / channelWidth }
  /// Width of the spatial branch.
  package var spatialWidth: Int { spatialHeadWidth * heads }
  package var mlpWidth: Int { Int(Double(width) * mlpRatio) }

  /// The light decoder of masked pretraining: other sizes, the rest as in the encoder.
  package func decoder(
    width: Int, depth: Int, heads: Int, channelHeadWidth: Int
  ) -> LESSConfiguration {
    var decoder = self
    decoder.width = width
    decoder.depth = depth
    decoder.heads = heads
    decoder.channelHeadWidth = channelHeadWidth
    return decoder
  }

  /// Tokens of a square image's side.
  func side(of pixels: Int) -> Int { pixels / patch }

  /// `[embed_dim, depth, num_heads]` of the published sizes.
  private static let sizes: [(name: String, values: [Int])] = [
    ("S", [384, 12, 6]), ("B", [768, 12, 12]),
  ]

  package static let options: OptionTable = [
    Option(
      "generation", .integer, default: 1, range: .within(1...2),
      "1: arXiv 2503.12843; 2: arXiv 2605.18541."),
    Option(
      "size", .oneOf(sizes.map(\.name)), default: "B",
      "Published size; single options below override it."),
    Option("patch_size", .integer, default: 16, range: .atLeast(1), unit: "pixels", "Patch side."),
    Option(
      "embed_dim", .integer, default: .described("by size"), range: .atLeast(1),
      "Width of a token, a multiple of channel_embed_dims_per_head times num_heads."),
    Option(
      "depth", .integer, default: .described("by size"), range: .atLeast(1), "Transformer blocks."),
    Option(
      "num_heads", .integer, default: .described("by size"), range: .atLeast(1),
      "Attention heads."),
    Option(
      "channel_embed_dims_per_head", .integer, default: 4, range: .atLeast(1),
      "Width of a head in the channel branch; the published first generation has 2."),
    Option("mlp_ratio", .number, default: 4, range: .above(0), "Hidden width of the MLP."),
    Option("qkv_bias", .boolean, default: true, "Biases of query, key and value projections."),
    Option("qk_norm", .boolean, default: false, "Normalizes each head's queries and keys."),
    Option(
      "drop_path_rate", .number, default: 0, range: .within(0..<1),
      "Stochastic depth of the last block, growing linearly from 0."),
    Option(
      "drop_path_uniform", .boolean, default: false, "The same rate of stochastic depth everywhere."
    ),
    Option(
      "init_values", .number, default: .absent, range: .atLeast(0),
      "First values of LayerScale; absent or 0 for none."),
    Option(
      "attn_drop", .number, default: 0, range: .within(0..<1), "Dropout of attention weights."),
    Option(
      "proj_drop", .number, default: 0, range: .within(0..<1), "Dropout of projections and MLP."),
    Option(
      "rank", .integer, default: 1, range: .atLeast(1),
      "Attention products in a block, r of the paper; an adapter's rank is adapter.r."),
    Option(
      "use_perception_field_mask", .boolean, default: false,
      "Limits spatial attention to attention_radius."),
    Option(
      "attention_radius", .number, default: 640, range: .above(0), unit: "meters",
      "Radius of the perception field."),
    Option(
      "pos_chan_embed_residual", .boolean, default: true,
      "Accepted for the reference's configurations; has no effect there either."),
    Option(
      "use_rope_embed", .boolean, default: false,
      "Rotates queries and keys instead of adding positions; generation 2."),
    Option(
      "rope_embed_base", .number, default: 100, range: .above(1), "Base of the rotary periods."),
    Option(
      "wavelength_range", .list(.number, count: 2...2), default: [418.24, 2445.53],
      range: .atLeast(0), unit: "nanometers",
      "First and last band center of the sensor, for rotary wavelengths; EnMAP by default."),
    Option(
      "decoder_channel_embed_dims_per_head", .integer, default: 4, range: .atLeast(1),
      "The same as channel_embed_dims_per_head in the decoder of masked pretraining."),
  ]

  /// Reads the options; contradictions go to `diagnostics`.
  package init(_ reader: OptionReader, _ diagnostics: Diagnostics) {
    let size = reader.text("size")
    let values = Self.sizes.first { $0.name == size }?.values ?? Self.sizes[1].values
    generation = Generation(rawValue: reader.int("generation")) ?? .first
    patch = max(1, reader.int("patch_size"))
    width = reader.optionalInt("embed_dim") ?? values[0]
    depth = reader.optionalInt("depth") ?? values[1]
    heads = reader.optionalInt("num_heads") ?? values[2]
    channelHeadWidth = max(1, reader.int("channel_embed_dims_per_head"))
    rank = max(1, reader.int("rank"))
    mlpRatio = reader.number("mlp_ratio")
    hasProjectionBias = reader.bool("qkv_bias")
    normalizesQueriesAndKeys = reader.bool("qk_norm")
    dropPathRate = reader.number("drop_path_rate")
    isDropPathUniform = reader.bool("drop_path_uniform")
    layerScale = reader.optionalNumber("init_values").flatMap { $0 == 0 ? nil : $0 }
    attentionDropout = reader.number("attn_drop")
    projectionDropout = reader.number("proj_drop")
    attentionRadius =
      reader.bool("use_perception_field_mask") ? reader.number("attention_radius") : nil
    isRotary = reader.bool("use_rope_embed")
    rotaryBase = reader.number("rope_embed_base")
    let range = reader.numbers("wavelength_range")
    let isAscending = range.count == 2 && range[0] < range[1]
    wavelengthRange = isAscending ? range[0]...range[1] : 0...1
    if !isAscending {
      diagnostics.error(
        .rule(
          "wavelength_range \(range) does not ascend",
          mend: "give the sensor's first and last band center in nanometers"),
        at: reader.location, path: reader.path + ".wavelength_range")
    }
    report(to: diagnostics, at: reader.location, path: reader.path)
  }

  /// Records what the widths contradict; the names of the options begin with `prefix`.
  func report(
    to diagnostics: Diagnostics, at location: SourceLocation, path: String, prefix: String = ""
  ) {
    for problem in contradictions(prefix) {
      diagnostics.error(.rule(problem.what, mend: problem.mend), at: location, path: path)
    }
  }

  private func contradictions(_ prefix: String) -> [(what: String, mend: String)] {
    let (embed, channels) = ("\(prefix)embed_dim", "\(prefix)channel_embed_dims_per_head")
    let product = "\(channels) \(channelHeadWidth) times \(prefix)num_heads \(heads)"
    if heads < 1 || width < 1 || width % channelWidth != 0 {
      return [
        (
          "\(embed) \(width) is not divisible by \(product)",
          "change one of the three; each head needs \(embed) / num_heads = channel width times "
            + "spatial width"
        )
      ]
    }
    var found: [(String, String)] = []
    if isRotary, generation == .first {
      found.append(
        ("use_rope_embed belongs to generation 2", "set generation: 2, or use_rope_embed: false"))
    }
    if isRotary, spatialHeadWidth % 4 != 0 || channelHeadWidth % 2 != 0 {
      found.append(
        (
          "use_rope_embed needs a spatial head width divisible by 4 and an even channel head width; "
            + "\(embed) \(width) and \(product) give \(spatialHeadWidth) and \(channelHeadWidth)",
          "change \(embed), \(channels) or \(prefix)num_heads"
        ))
    }
    if !isRotary, width % 4 != 0 {
      found.append(
        (
          "\(embed) \(width) is not divisible by 4, as sine-cosine positions need",
          "change \(embed)"
        ))
    }
    return found
  }
}
