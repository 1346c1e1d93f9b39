import Layers
import Recipes

/// What the programs that have a UPerNet do differently.
struct UPerNetOptions {
  /// A program whose defaults are taken.
  enum Variant: String, Sendable, CaseIterable {
    case terratorch, mmsegmentation, transformers, pangaea
  }

  let channels: Int
  let poolScales: [Int]
  let alignsCorners: Bool
  let hasBias: Bool
  let dropout: Double

  static let table: OptionTable = [
    Option(
      "variant", .choice(Variant.self), default: "terratorch",
      "program whose defaults are taken for the options below"),
    Option(
      "channels", .integer, default: .described("256 for terratorch, else 512"),
      range: .atLeast(1), "channels of every level"),
    Option(
      "pool_scales", .list(.integer), default: [1, 2, 3, 6], range: .atLeast(1),
      "sides of the grids that the coarsest map is pooled to"),
    Option(
      "align_corners", .boolean, default: .described("true for terratorch, else false"),
      "how levels are enlarged: corners on each other, or pixel centers"),
    Option(
      "conv_bias", .boolean, default: .described("true for pangaea, else false"),
      "whether convolutions before a batch norm have a bias"),
    DenseHead.dropoutOption(.described("0.1 for mmsegmentation and pangaea, else 0")),
  ]

  init(_ reader: OptionReader) {
    let variant = reader.choice("variant", as: Variant.self)
    channels = max(
      1, reader.optionalInt("channels") ?? (variant == .terratorch ? 256 : 512))
    poolScales = reader.ints("pool_scales").map { max(1, $0) }
    alignsCorners = reader.optionalBool("align_corners") ?? (variant == .terratorch)
    hasBias = reader.optionalBool("conv_bias") ?? (variant == .pangaea)
    let drops = variant == .mmsegmentation || variant == .pangaea
    dropout = reader.optionalNumber("dropout") ?? (drops ? 0.1 : 0)
  }

  /// Our names are terratorch's but for the last layer.
  static var layouts: [KeyLayout] {
    [
      KeyLayout("attune") { $0 },
      KeyLayout("terratorch") { $0.replacingPrefix("decoder.head.", with: "head.head.2.") },
      KeyLayout("transformers") { path in
        path.replacingPrefix("decoder.head.", with: "decode_head.classifier.")
          .replacingPrefix("decoder.", with: "decode_head.")
          .replacing(".norm.", with: ".batch_norm.")
      },
      KeyLayout("mmsegmentation") { path in
        path.replacingPrefix("decoder.head.", with: "decode_head.conv_seg.")
          .replacingPrefix("decoder.", with: "decode_head.")
          .replacing(".norm.", with: ".bn.")
      },
      KeyLayout("pangaea") { path in
        path.replacingPrefix("decoder.head.", with: "conv_seg.")
          .replacingPrefix("decoder.", with: "")
          .replacing(".conv.", with: ".0.").replacing(".norm.", with: ".1.")
      },
    ]
  }
}
