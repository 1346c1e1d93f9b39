/// Sizes and options of a plain vision transformer (arXiv 2010.11929), under the meanings that
/// timm's VisionTransformer gives them.
package struct ViTConfiguration: Sendable, Equatable {
  /// What enters the head.
  package enum Pooling: String, Sendable, CaseIterable {
    case token
    /// Mean of the patch tokens.
    case average = "avg"
    /// A learned query attends to the patch tokens.
    case attention = "map"
    /// Class token beside the mean of the patch tokens, as transformers does for DINOv2.
    case tokenAndAverage = "cls+avg"
  }

  package enum Activation: String, Sendable, CaseIterable {
    case gelu
    case geluTanh = "gelu_tanh"
    case quickGELU = "quick_gelu"
  }

  package enum Positions: String, Sendable, CaseIterable {
    case learned = "learn"
    case none
  }

  /// How a position table is brought to another grid.
  package enum Interpolation: String, Sendable, CaseIterable {
    /// Bicubic with antialiasing.
    case timm
    /// Bicubic without.
    case transformers
    /// Bilinear without, as for files of the original JAX code.
    case jax
  }

  /// Height and width in pixels.
  package var imageSize = [224, 224]
  /// Height and width in pixels.
  package var patch = [16, 16]
  package var channels = 3
  /// Outputs of the head, 0 for none.
  package var classes = 0
  package var width = 768
  package var depth = 12
  package var heads = 12
  /// Hidden width of the MLP in widths of a token.
  package var mlpRatio = 4.0
  package var hasQKVBias = true
  package var hasProjectionBias = true
  /// Whether queries and keys are normalized head by head.
  package var normalizesQK = false
  /// Initial factor of each branch (arXiv 2103.17239), nil for no LayerScale.
  package var layerScale: Double?
  package var hasClassToken = true
  package var registers = 0
  /// Whether the position table has rows for class and register tokens.
  package var positionsCoverPrefix = true
  package var positions = Positions.learned
  /// A norm before the blocks; the patch embedding then has no bias.
  package var hasPreNorm = false
  package var hasFinalNorm = true
  /// Whether the final norm stands after pooling; nil decides by the pooling.
  package var normAfterPooling: Bool?
  package var pooling = Pooling.token
  /// Whether images of other sizes are taken, with positions interpolated in the forward pass.
  package var isSizeDynamic = false
  package var interpolation = Interpolation.timm
  /// Of all layer norms.
  package var epsilon = 1e-6
  package var activation = Activation.gelu
  /// Of the last block; the rates grow linearly from 0.
  package var dropPathRate = 0.0
  package var positionDropout = 0.0
  package var projectionDropout = 0.0
  package var attentionDropout = 0.0

  package init() {}

  /// Class and register tokens.
  package var prefixCount: Int { (hasClassToken ? 1 : 0) + registers }

  /// Patches along height and width of an image of the configured size; a rest is left out, which
  /// one published model has (vit_so400m_patch14_siglip_384).
  package var grid: [Int] { zip(imageSize, patch).map { $0 / $1 } }

  /// Rows of the position table before those of the patches.
  package var positionPrefix: Int { positionsCoverPrefix ? prefixCount : 0 }

  /// Whether the final norm stands after pooling.
  package var hasPoolingNorm: Bool { hasFinalNorm && (normAfterPooling ?? (pooling == .average)) }

  /// Width of what enters the head.
  package var pooledWidth: Int { pooling == .tokenAndAverage ? 2 * width : width }

  /// Hidden width of the MLP, truncated; a ratio of two widths gives its numerator back.
  package var hiddenWidth: Int { Int(Double(width) * mlpRatio + 1e-6) }

  /// What cannot be, by the option that shows it.
  var contradictions: [(option: String, what: String, mend: String)] {
    var found: [(String, String, String)] = []
    if width % heads != 0 {
      found.append(
        (
          "num_heads", "embed_dim \(width) is not divisible by num_heads \(heads)",
          "change embed_dim or num_heads"
        ))
    }
    if !hasClassToken, pooling == .token || pooling == .tokenAndAverage {
      found.append(
        (
          "global_pool", "global_pool \(pooling.rawValue) needs the class token",
          "use avg or map, or set class_token: true"
        ))
    }
    if pooling == .tokenAndAverage, hasPoolingNorm {
      found.append(
        ("fc_norm", "fc_norm cannot follow global_pool cls+avg", "set fc_norm: false"))
    }
    return found
  }

  /// What is wrong with a size that patches do not fill, nil where they do.
  func remainder(ofSize size: [Int]) -> (what: String, mend: String)? {
    for (axis, (size, patch)) in zip(["height", "width"], zip(size, patch))
    where size % patch != 0 {
      return (
        "an image \(axis) of \(size) px is no multiple of patch_size \(patch)",
        "crop, resize or pad the images, or choose another patch_size"
      )
    }
    return nil
  }
}
