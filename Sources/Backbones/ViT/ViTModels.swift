import Recipes

/// Configurations of published models by timm's names.
///
/// Sizes, patches and image sizes stand in the names; what a group of names has besides is listed
/// here (timm 1.0.31, timm/models/vision_transformer.py and deit.py). A tag after a dot, which names
/// a set of weights, is passed over.
enum ViTModels {
  /// Width, blocks, heads and MLP ratio.
  private static let sizes: [String: (width: Int, depth: Int, heads: Int, mlpRatio: Double)] = [
    "wee": (256, 14, 4, 5), "little": (320, 14, 5, 5.6), "tiny": (192, 12, 3, 4),
    "xsmall": (256, 10, 4, 4), "small": (384, 12, 6, 4), "medium": (512, 12, 8, 4),
    "mediumd": (512, 20, 8, 4), "betwixt": (640, 12, 10, 4), "base": (768, 12, 12, 4),
    "large": (1024, 24, 16, 4), "huge": (1280, 32, 16, 4), "giant": (1408, 40, 16, 48.0 / 11),
    "gigantic": (1664, 48, 16, 64.0 / 13), "giantopt": (1536, 40, 16, 4),
    "so150m": (896, 18, 14, 2.572), "so150m2": (832, 21, 13, 34.0 / 13),
    "so400m": (1152, 27, 16, 3.7362), "intern300m": (1024, 24, 16, 4),
  ]

  private typealias Change = @Sendable (inout ViTConfiguration) -> Void

  /// Names that share what is not in the name.
  private static let groups: [(names: String, change: Change)] = [
    (plain, { _ in }),
    (
      "vit_base_patch16_224_miil",
      { $0.hasQKVBias = false }
    ),
    ("eva_large_patch14_196 eva_large_patch14_336", { $0.pooling = .average }),
    (
      "deit3_small_patch16_224 deit3_small_patch16_384 deit3_medium_patch16_224 "
        + "deit3_base_patch16_224 deit3_base_patch16_384 deit3_large_patch16_224 "
        + "deit3_large_patch16_384 deit3_huge_patch14_224",
      {
        $0.positionsCoverPrefix = false
        $0.layerScale = 1e-6
      }
    ),
    (
      "vit_small_patch14_dinov2 vit_base_patch14_dinov2 vit_large_patch14_dinov2",
      {
        $0.layerScale = 1e-5
        $0.imageSize = [518, 518]
      }
    ),
    (
      "vit_small_patch14_reg4_dinov2 vit_base_patch14_reg4_dinov2 vit_large_patch14_reg4_dinov2",
      {
        $0.layerScale = 1e-5
        $0.imageSize = [518, 518]
        $0.registers = 4
        $0.positionsCoverPrefix = false
      }
    ),
    (
      "vit_xsmall_patch16_clip_224 vit_medium_patch32_clip_224 vit_medium_patch16_clip_224 "
        + "vit_betwixt_patch32_clip_224 vit_base_patch32_clip_224 vit_base_patch32_clip_256 "
        + "vit_base_patch32_clip_384 vit_base_patch32_clip_448 vit_base_patch16_clip_224 "
        + "vit_base_patch16_clip_384 vit_large_patch14_clip_224 vit_large_patch14_clip_336 "
        + "vit_huge_patch14_clip_224 vit_huge_patch14_clip_336 vit_huge_patch14_clip_378 "
        + "vit_giant_patch14_clip_224 vit_gigantic_patch14_clip_224 vit_gigantic_patch14_clip_378",
      clip
    ),
    (
      "vit_base_patch32_clip_quickgelu_224 vit_base_patch16_clip_quickgelu_224 "
        + "vit_large_patch14_clip_quickgelu_224 vit_large_patch14_clip_quickgelu_336 "
        + "vit_huge_patch14_clip_quickgelu_224 vit_huge_patch14_clip_quickgelu_378 "
        + "vit_gigantic_patch14_clip_quickgelu_224",
      {
        clip(&$0)
        $0.activation = .quickGELU
      }
    ),
    (
      "vit_base_patch16_siglip_224 vit_base_patch16_siglip_256 vit_base_patch16_siglip_384 "
        + "vit_base_patch16_siglip_512 vit_large_patch16_siglip_256 vit_large_patch16_siglip_384 "
        + "vit_so400m_patch14_siglip_224 vit_so400m_patch14_siglip_378 "
        + "vit_so400m_patch14_siglip_384",
      attentionPooled
    ),
    (
      "vit_base_patch32_siglip_256 vit_large_patch16_siglip_512 vit_so400m_patch16_siglip_256 "
        + "vit_so400m_patch16_siglip_384 vit_so400m_patch16_siglip_512 "
        + "vit_giantopt_patch16_siglip_256 vit_giantopt_patch16_siglip_384",
      {
        attentionPooled(&$0)
        $0.activation = .geluTanh
      }
    ),
    (
      "vit_base_patch16_siglip_gap_224 vit_base_patch16_siglip_gap_256 "
        + "vit_base_patch16_siglip_gap_384 vit_base_patch16_siglip_gap_512 "
        + "vit_large_patch16_siglip_gap_256 vit_large_patch16_siglip_gap_384 "
        + "vit_so400m_patch14_siglip_gap_224 vit_so400m_patch14_siglip_gap_378 "
        + "vit_so400m_patch14_siglip_gap_384 vit_so400m_patch14_siglip_gap_448 "
        + "vit_so400m_patch14_siglip_gap_896 vit_huge_patch14_gap_224 vit_huge_patch16_gap_448 "
        + "vit_giant_patch16_gap_224",
      averagePooled
    ),
    (
      "vit_base_patch32_siglip_gap_256 vit_large_patch16_siglip_gap_512 "
        + "vit_so400m_patch16_siglip_gap_256 vit_so400m_patch16_siglip_gap_384 "
        + "vit_so400m_patch16_siglip_gap_512 vit_giantopt_patch16_siglip_gap_256 "
        + "vit_giantopt_patch16_siglip_gap_384",
      {
        averagePooled(&$0)
        $0.activation = .geluTanh
      }
    ),
    (
      "vit_base_patch16_gap_224",
      {
        averagePooled(&$0)
        $0.heads = 16
      }
    ),
    (
      "vit_medium_patch16_gap_240 vit_medium_patch16_gap_256 vit_medium_patch16_gap_384 "
        + "vit_betwixt_patch16_gap_256",
      {
        averagePooled(&$0)
        $0.hasQKVBias = false
        $0.layerScale = 1e-6
      }
    ),
    (
      "vit_wee_patch16_reg1_gap_256 vit_little_patch16_reg1_gap_256 "
        + "vit_medium_patch16_reg1_gap_256 vit_betwixt_patch16_reg1_gap_256",
      { pooledRegisters(&$0, 1, layerScale: 1e-5) }
    ),
    (
      "vit_little_patch16_reg4_gap_256 vit_medium_patch16_reg4_gap_256 "
        + "vit_mediumd_patch16_reg4_gap_256 vit_mediumd_patch16_reg4_gap_384 "
        + "vit_betwixt_patch16_reg4_gap_256 vit_betwixt_patch16_reg4_gap_384",
      { pooledRegisters(&$0, 4, layerScale: 1e-5) }
    ),
    ("vit_base_patch16_reg4_gap_256", { pooledRegisters(&$0, 4, layerScale: nil) }),
    (
      "vit_so150m_patch16_reg4_map_256",
      {
        attentionPooled(&$0)
        $0.registers = 4
      }
    ),
    (
      "vit_so150m_patch16_reg4_gap_256 vit_so150m_patch16_reg4_gap_384",
      {
        averagePooled(&$0)
        $0.registers = 4
      }
    ),
    (
      "vit_so150m2_patch16_reg1_gap_256 vit_so150m2_patch16_reg1_gap_384 "
        + "vit_so150m2_patch16_reg1_gap_448",
      {
        pooledRegisters(&$0, 1, layerScale: 1e-5)
        $0.positionsCoverPrefix = true
        $0.hasQKVBias = false
      }
    ),
    (
      "vit_intern300m_patch14_448",
      {
        $0.layerScale = 0.1
        $0.hasFinalNorm = false
        $0.isSizeDynamic = true
      }
    ),
  ]

  private static let plain =
    "vit_tiny_patch16_224 vit_tiny_patch16_384 vit_small_patch32_224 vit_small_patch32_384 "
    + "vit_small_patch16_224 vit_small_patch16_384 vit_small_patch8_224 vit_base_patch32_224 "
    + "vit_base_patch32_384 vit_base_patch16_224 vit_base_patch16_384 vit_base_patch8_224 "
    + "vit_large_patch32_224 vit_large_patch32_384 vit_large_patch16_224 vit_large_patch16_384 "
    + "vit_large_patch14_224 vit_huge_patch14_224 vit_giant_patch14_224 vit_gigantic_patch14_224 "
    + "deit_tiny_patch16_224 deit_small_patch16_224 deit_base_patch16_224 deit_base_patch16_384"

  @Sendable private static func clip(_ configuration: inout ViTConfiguration) {
    configuration.hasPreNorm = true
    configuration.epsilon = 1e-5
  }

  @Sendable private static func attentionPooled(_ configuration: inout ViTConfiguration) {
    configuration.hasClassToken = false
    configuration.pooling = .attention
  }

  @Sendable private static func averagePooled(_ configuration: inout ViTConfiguration) {
    configuration.hasClassToken = false
    configuration.pooling = .average
    configuration.normAfterPooling = false
  }

  private static func pooledRegisters(
    _ configuration: inout ViTConfiguration, _ count: Int, layerScale: Double?
  ) {
    configuration.hasClassToken = false
    configuration.pooling = .average
    configuration.positionsCoverPrefix = false
    configuration.registers = count
    configuration.layerScale = layerScale
  }

  /// Names of published models, sorted.
  static let names = groups.flatMap { $0.names.split(separator: " ").map(String.init) }.sorted()

  /// The configuration of a published model, or of `vit_SIZE_patchN_PIXELS` for tiny to huge.
  static func configuration(named name: String) -> ViTConfiguration? {
    let plainName = String(name.prefix { $0 != "." })
    guard var configuration = sizes(of: plainName) else { return nil }
    if let group = groups.first(where: { $0.names.split(separator: " ").contains(plainName[...]) })
    {
      group.change(&configuration)
      return configuration
    }
    let regular = /vit_(tiny|small|base|large|huge)_patch(8|14|16|32)_\d+/
    return plainName.wholeMatch(of: regular) == nil ? nil : configuration
  }

  /// The known name that a wrong one was probably meant to be.
  static func nearest(to name: String) -> String? { NearestName.of(name, among: names) }

  /// What the name itself says.
  private static func sizes(of name: String) -> ViTConfiguration? {
    let form =
      /(?:vit|eva|deit|deit3)_([a-z0-9]+)_patch(\d+)(?:_[a-z0-9_]*?)??(?:_(\d+))?(?:_miil)?/
    guard let match = name.wholeMatch(of: form), let size = sizes[String(match.1)],
      let patch = Int(match.2)
    else { return nil }
    var configuration = ViTConfiguration()
    configuration.width = size.width
    configuration.depth = size.depth
    configuration.heads = size.heads
    configuration.mlpRatio = size.mlpRatio
    configuration.patch = [patch, patch]
    if let pixels = match.3.flatMap({ Int($0) }) { configuration.imageSize = [pixels, pixels] }
    return configuration
  }
}
