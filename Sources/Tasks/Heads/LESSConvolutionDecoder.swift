package import Layers
package import Recipes
package import Tensors

/// The light decoder of LESS ViT's second generation: the map is doubled until it has the image's
/// size, with a convolution after each step (less-vit.md, section 13.7).
package struct LESSConvolutionDecoder: Decoder {
  package static let name = "less-conv"
  package static let summary = "doublings and convolutions from tokens to pixels; LESS ViT 2"
  package static let options: OptionTable = []

  private let steps: [(convolution: Convolution, norm: BatchNorm?)]
  package let blocks: [Int]

  package init(
    _ options: OptionReader, features: FeatureShape, outputs: Int, in scope: Scope,
    _ diagnostics: Diagnostics
  ) {
    blocks = [features.blocks - 1]
    let side = features.patch.first ?? 1
    if side < 2 || side & (side - 1) != 0 || features.patch.contains(where: { $0 != side }) {
      diagnostics.error(
        .rule(
          "decoder \(Self.name) doubles the map up to the image, which patches of "
            + "\(features.patch.byWord) pixels do not allow",
          mend: "use a patch_size that is a power of two from 2 on, or another decoder"),
        at: options.location, path: options.path)
    }
    let count = max(1, side.bitWidth - 1 - side.leadingZeroBitCount)
    // Members 4i and 4i + 3 of the reference's list are the doubling and the ReLU.
    let list = scope / "segmentation_conv"
    var width = features.width
    steps = (0..<count).map { step in
      let isLast = step == count - 1
      let next = isLast ? outputs : max(1, 128 >> step)
      defer { width = next }
      return (
        Convolution(
          list / (4 * step + 1), inputs: width, outputs: next, kernel: [3, 3],
          geometry: .planar(padding: 1), labels: ["conv", "head"]),
        isLast ? nil : BatchNorm(list / (4 * step + 2), channels: next)
      )
    }
  }

  /// Takes the last block's map after the backbone's final norm.
  package func callAsFunction(
    _ features: Features, imageSize: [Int], _ context: ForwardContext
  ) -> Tensor {
    steps.reduce(features.lastMap(blocks[0])) { map, step in
      let doubled = map.resized(
        to: map.shape[2...].map { 2 * $0 }, .bilinear(alignsCorners: false))
      let y = step.convolution(doubled, context)
      return step.norm.map { $0(y, context).relu() } ?? y
    }
  }
}
