package import Layers
import Tensors

extension ViTMAE {
  /// facebookresearch/mae's own, then transformers: its files on the Hub, those that its version 5
  /// writes, and the modules of that version.
  package var layouts: [KeyLayout] {
    [
      KeyLayout("mae", recognizes: { $0.contains("decoder_embed.weight") }, key: { $0 }),
      transformers(areModules: false, blocks: "decoder.decoder_layers."),
      transformers(areModules: false, blocks: "decoder.decoder_encoder.layer."),
      transformers(areModules: true, blocks: "decoder.decoder_layers."),
    ]
  }

  /// `blocks` is what stands before the numbers of the decoder's blocks.
  private func transformers(areModules: Bool, blocks: String) -> KeyLayout {
    let names = TransformersNames(prefix: "vit.", isDINO: false, areModules: areModules)
    return KeyLayout(
      "hf",
      recognizes: { keys in
        names.recognizes(keys)
          && names.block("attn.qkv.weight").allSatisfy { keys.contains("\(blocks)0.\($0)") }
      },
      parts: { path in
        if let match = path.wholeMatch(of: /decoder_blocks\.(\d+)\.(.+)/) {
          return names.block(String(match.2)).map { StoredPart("\(blocks)\(match.1).\($0)") }
        }
        let isOfDecoder = path.hasPrefix("decoder_") || path == "mask_token"
        return isOfDecoder ? [StoredPart("decoder." + path)] : names.parts(of: path)
      })
  }
}
