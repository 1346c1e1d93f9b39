package import Layers
package import Recipes
package import Tensors

/// Semantic branch of panoptic feature pyramid networks (arXiv 1901.02446, section 3.2, as
/// segmentation_models_pytorch builds it).
package struct SemanticFPN: Decoder {
  /// How the four levels are joined at the finest size.
  package enum Merge: String, Sendable, CaseIterable { case add, cat }

  package static let name = "fpn-semantic"
  package static let summary = "panoptic FPN: every level brought to the finest size and joined"
  package static let needsPyramid = true
  package static let options: OptionTable = [
    Option(
      "pyramid_channels", .integer, default: 256, range: .atLeast(1), "channels of the pyramid"),
    Option(
      "segmentation_channels", .integer, default: 128, range: .atLeast(1),
      "channels of the branches, a multiple of 32"),
    Option("merge", .choice(Merge.self), default: "add", "sum of the levels, or their channels"),
    DenseHead.dropoutOption(0.2),
  ]

  package static var layouts: [KeyLayout] {
    [
      KeyLayout("attune") { $0 },
      KeyLayout("segmentation_models_pytorch") {
        $0.replacingPrefix("decoder.head.", with: "segmentation_head.0.")
      },
    ]
  }

  package let blocks: [Int] = []
  private let features: FeatureShape
  private let merge: Merge
  /// Finest first, as the pyramid.
  private let laterals: [Convolution]
  private let branches: [SemanticBranch]
  private let head: DenseHead

  package init(
    _ options: OptionReader, features: FeatureShape, outputs: Int, in scope: Scope,
    _ diagnostics: Diagnostics
  ) {
    self.features = features
    let levels = features.fourLevels(for: Self.name, options, diagnostics)
    let channels = max(1, options.int("pyramid_channels"))
    var width = options.int("segmentation_channels")
    if width % 32 != 0 || width == 0 {
      diagnostics.error(
        .rule(
          "segmentation_channels \(width) is no multiple of 32, the groups of its norms",
          mend: "use 32, 64, 128 or 256"),
        at: options.location, path: options.path + ".segmentation_channels")
      width = 32
    }
    merge = options.choice("merge", as: Merge.self)
    laterals = levels.enumerated().map { index, level in
      let place = scope / "p\(index + 2)"
      return Convolution(
        index == 3 ? place : place / "skip_conv", inputs: level.width, outputs: channels,
        kernel: [1, 1])
    }
    branches = levels.indices.map { index in
      SemanticBranch(
        scope / "seg_blocks" / (3 - index), inputs: channels, outputs: width, doublings: index)
    }
    head = DenseHead(
      scope / "head", inputs: merge == .add ? width : 4 * width, outputs: outputs,
      dropout: options.number("dropout"))
  }

  package func check(imageSize: [Int], samples: Int, isTraining: Bool) throws(TaskError) {
    let sizes = features.pyramid.map { features.size(of: $0, imageSize: imageSize) }
    for (fine, coarse) in zip(sizes, sizes.dropFirst()) where fine != coarse.map({ 2 * $0 }) {
      throw .imageDoesNotFit(
        component: "decoder \(Self.name)", imageSize: imageSize,
        reason: "its maps are \(sizes.map(\.byWord).joined(separator: ", ")), each must be twice "
          + "the next",
        mend: "Use sides that are multiples of "
          + "\(features.patch.map { String(2 * $0) }.joined(separator: " and ")) pixels, or "
          + "decoder upernet")
    }
  }

  package func callAsFunction(
    _ features: Features, imageSize: [Int], _ context: ForwardContext
  ) -> Tensor {
    var sums = zip(laterals, features.pyramid).map { $0($1, context) }
    for level in sums.indices.dropLast().reversed() {
      sums[level] =
        sums[level] + sums[level + 1].resized(to: sums[level].imageSize, .nearest)
    }
    // From the coarsest on, as the reference adds and concatenates.
    let parts = zip(branches, sums).reversed().map { $0($1, context) }
    let merged =
      merge == .add
      ? parts.dropFirst().reduce(parts[0], +) : Tensor.concatenated(parts, axis: 1)
    return head(merged, imageSize: imageSize, context)
  }
}

/// Convolutions and doublings from one level to the finest size.
private struct SemanticBranch: Sendable {
  private let units: [(convolution: Convolution, norm: GroupNorm)]
  private let doubles: Bool

  init(_ scope: Scope, inputs: Int, outputs: Int, doublings: Int) {
    doubles = doublings > 0
    units = (0..<max(1, doublings)).map { unit in
      let block = scope / "block" / unit / "block"
      return (
        Convolution(
          block / 0, inputs: unit == 0 ? inputs : outputs, outputs: outputs, kernel: [3, 3],
          geometry: .planar(padding: 1), bias: false),
        GroupNorm(block / 1, groups: 32, channels: outputs)
      )
    }
  }

  /// `[batch, inputs, height, width]` to `[batch, outputs, ...]`, doubled once for every unit but
  /// those of the finest level.
  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    units.reduce(x) { x, unit in
      let y = unit.norm(unit.convolution(x, context)).relu()
      return doubles
        ? y.resized(to: y.shape[2...].map { 2 * $0 }, .bilinear(alignsCorners: true)) : y
    }
  }
}
