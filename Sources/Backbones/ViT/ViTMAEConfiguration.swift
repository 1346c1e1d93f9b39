package import Recipes

/// Encoder, decoder and loss of a masked autoencoder.
package struct ViTMAEConfiguration: Sendable, Equatable {
  /// Without head and with the final norm before pooling, whatever was asked for.
  package let encoder: ViTConfiguration
  package var decoderWidth = 512
  package var decoderDepth = 8
  package var decoderHeads = 16
  package var decoderMLPRatio = 4.0
  /// Share of the patches that are removed.
  package var maskRatio = 0.75
  /// Whether the target is normalized patch by patch.
  package var normalizesPixels = false
  package var loss = PretrainingSection.Loss.mse

  package init(_ encoder: ViTConfiguration) {
    var encoder = encoder
    encoder.classes = 0
    encoder.pooling = encoder.hasClassToken ? .token : .average
    encoder.normAfterPooling = false
    encoder.hasFinalNorm = true
    encoder.isSizeDynamic = false
    self.encoder = encoder
  }

  package var patchCount: Int { encoder.grid[0] * encoder.grid[1] }

  /// Patches that the encoder sees.
  package var keptPatches: Int { Int(Double(patchCount) * (1 - maskRatio)) }

  /// Values of a patch.
  var patchValues: Int { encoder.patch[0] * encoder.patch[1] * encoder.channels }

  /// The decoder's blocks, as a transformer of their own.
  var decoder: ViTConfiguration {
    var decoder = ViTConfiguration()
    decoder.width = decoderWidth
    decoder.depth = decoderDepth
    decoder.heads = decoderHeads
    decoder.mlpRatio = decoderMLPRatio
    decoder.hasQKVBias = encoder.hasQKVBias
    decoder.epsilon = encoder.epsilon
    decoder.activation = encoder.activation
    return decoder
  }

  /// What cannot be, beyond the encoder's own contradictions.
  var contradictions: [(what: String, mend: String)] {
    var found: [(String, String)] = []
    if decoderWidth % decoderHeads != 0 {
      found.append(
        (
          "the decoder's embed_dim \(decoderWidth) is not divisible by its num_heads "
            + "\(decoderHeads)", "change model.pretrain.decoder"
        ))
    }
    for (name, width) in [("embed_dim", encoder.width), ("decoder embed_dim", decoderWidth)]
    where width % 4 != 0 {
      found.append(
        (
          "\(name) \(width) is no multiple of 4, which sine-cosine positions need",
          "choose another width"
        ))
    }
    if let problem = encoder.remainder(ofSize: encoder.imageSize) { found.append(problem) }
    if keptPatches == 0 || keptPatches == patchCount {
      found.append(
        (
          "mask_ratio \(maskRatio) leaves \(keptPatches) of \(patchCount) patches",
          "choose a ratio that keeps some and masks some"
        ))
    }
    return found
  }
}
