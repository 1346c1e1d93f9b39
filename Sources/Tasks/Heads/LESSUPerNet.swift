package import Layers
package import Recipes
package import Tensors

/// The segmentation decoder of LESS ViT's first generation: four stems make a pyramid of one map,
/// which is pooled by maxima and fused from the coarsest level on (less-vit.md, section 11).
package struct LESSUPerNet: Decoder {
  package static let name = "less-upernet"
  package static let summary = "pyramid of one map with maximum pooling and group norm; LESS ViT 1"
  package static let options: OptionTable = [
    Option(
      "in_width", .integer, default: .described("the backbone's width"), range: .atLeast(1),
      "Width of a token; the reference has 768."),
    Option(
      "top_channels", .integer, default: 2048, range: .atLeast(1),
      "Channels of the coarsest level, a multiple of 128; each finer level has half as many."),
    Option(
      "out_channels", .integer, default: 256, range: .atLeast(1),
      "Channels of the fused maps, a multiple of 16."),
    Option("dropout", .number, default: 0.5, range: .within(0..<1), "Dropout in every unit."),
  ]

  /// Side of the map that the stems take, whatever the grid of tokens.
  private static let grid = 16
  private static let poolSizes = [1, 2, 3, 6]

  package let blocks: [Int]
  /// Finest first.
  private let stems: [LESSStem]
  private let pools: [Convolution]
  private let pooled: LESSFusion
  private let lateral: Convolution
  /// For the second-coarsest level first.
  private let entries: [LESSFusion]
  private let exits: [LESSFusion]
  private let all: LESSFusion
  private let classifier: Convolution

  package init(
    _ options: OptionReader, features: FeatureShape, outputs: Int, in scope: Scope,
    _ diagnostics: Diagnostics
  ) {
    blocks = [features.blocks - 1]
    let (channels, width) = Self.widths(options, features, diagnostics)
    let drop = options.number("dropout")
    stems = (0..<4).map { level in
      LESSStem(
        scope / "conv\(level)", inputs: features.width, channels: channels, level: level,
        dropout: drop)
    }
    let decoder = scope / "decoder"
    let head = decoder / "PPMHead"
    func fusion(_ place: Scope, _ inputs: Int) -> LESSFusion {
      LESSFusion(place, inputs: inputs, outputs: width, dropout: drop)
    }
    func pointwise(_ place: Scope, _ inputs: Int) -> Convolution {
      Convolution(place, inputs: inputs, outputs: width, kernel: [1, 1], labels: Self.labels)
    }
    pools = Self.poolSizes.indices.map { pointwise(head / "psp_modules" / $0 / 1, channels) }
    pooled = fusion(head / "final", channels + Self.poolSizes.count * width)
    lateral = pointwise(decoder / "conv_x1", width)
    entries = (1...3).map { fusion(decoder / "Conv_fuse\($0)", channels >> $0) }
    exits = (1...3).map { fusion(decoder / "Conv_fuse\($0)_", width) }
    all = fusion(decoder / "fuse_all", 4 * width)
    classifier = Convolution(
      scope / "cls_seg" / 0, inputs: width, outputs: outputs, kernel: [3, 3],
      geometry: .planar(padding: 1), labels: Self.labels)
  }

  fileprivate static let labels = ["conv", "head"]

  /// Channels of the coarsest level and of the fused maps; what does not fit is recorded.
  private static func widths(
    _ options: OptionReader, _ features: FeatureShape, _ diagnostics: Diagnostics
  ) -> (channels: Int, width: Int) {
    func refuse(_ what: String, _ mend: String, _ field: String) {
      diagnostics.error(
        .rule(what, mend: mend), at: options.location, path: options.path + "." + field)
    }
    if let width = options.optionalInt("in_width"), width != features.width {
      refuse(
        "in_width \(width) is not the backbone's width \(features.width)", "leave in_width out",
        "in_width")
    }
    var (channels, width) = (options.int("top_channels"), options.int("out_channels"))
    if channels % 128 != 0 || channels < 1 {
      refuse(
        "top_channels \(channels) is no multiple of 128", "use 2048, 1024 or 512", "top_channels")
      channels = 128
    }
    if width % 16 != 0 || width < 1 {
      refuse("out_channels \(width) is no multiple of 16", "use 256 or 128", "out_channels")
      width = 16
    }
    return (channels, width)
  }

  /// Takes the last block's map after the backbone's final norm.
  package func callAsFunction(
    _ features: Features, imageSize: [Int], _ context: ForwardContext
  ) -> Tensor {
    let map = features.lastMap(blocks[0]).resized(to: [Self.grid, Self.grid], Self.aligned)
    let levels = stems.map { $0(map, context) }
    var fused = [poolPyramid(levels[3], context)]
    for (step, (entry, exit)) in zip(entries, exits).enumerated() {
      let last = fused[step]
      let doubled = last.resized(to: last.shape[2...].map { 2 * $0 }, Self.aligned)
      let above = step == 0 ? lateral(doubled, context) : doubled
      fused.append(exit(above + entry(levels[2 - step], context), context))
    }
    let size = Array(fused[3].shape[2...])
    let joined = all(
      .concatenated(fused.map { $0.resized(to: size, Self.aligned) }, axis: 1), context)
    return classifier(joined, context).resized(to: imageSize, Self.aligned)
  }

  /// The coarsest level beside its maxima over coarser and coarser grids.
  private func poolPyramid(_ map: Tensor, _ context: ForwardContext) -> Tensor {
    let size = Array(map.shape[2...])
    let parts = zip(Self.poolSizes, pools).map { side, convolution in
      convolution(map.adaptiveMaxPooled(to: [side, side]), context).resized(to: size, Self.aligned)
    }
    return pooled(.concatenated(parts + [map], axis: 1), context)
  }

  private static let aligned = Interpolation.bilinear(alignsCorners: true)
}

/// From the tokens' map to one level of the pyramid: 8, 4, 2 and 1 times as large.
private struct LESSStem: Sendable {
  private let convolution: Convolution
  private let norm: GroupNorm
  private let enlargement: TransposedConvolution?
  private let dropout: Dropout

  /// Level 0 is the finest; `channels` are those of level 3.
  init(_ scope: Scope, inputs: Int, channels: Int, level: Int, dropout: Double) {
    let inner = channels >> min(2, 3 - level)
    convolution = Convolution(
      scope / 0, inputs: inputs, outputs: inner, kernel: [1, 1], labels: LESSUPerNet.labels)
    norm = GroupNorm(scope / 1, groups: 32, channels: inner)
    let side = 8 >> level
    enlargement =
      side > 1
      ? TransposedConvolution(
        scope / 3, inputs: inner, outputs: channels >> (3 - level), kernel: [side, side]) : nil
    self.dropout = Dropout(scope / "dropout", probability: dropout)
  }

  func callAsFunction(_ map: Tensor, _ context: ForwardContext) -> Tensor {
    let y = norm(convolution(map, context)).gelu()
    return dropout(enlargement?(y) ?? y, context)
  }
}

/// 1 × 1 convolution, group norm, GELU, dropout.
private struct LESSFusion: Sendable {
  private let convolution: Convolution
  private let norm: GroupNorm
  private let dropout: Dropout

  init(_ scope: Scope, inputs: Int, outputs: Int, dropout: Double) {
    convolution = Convolution(
      scope / 0, inputs: inputs, outputs: outputs, kernel: [1, 1], labels: LESSUPerNet.labels)
    norm = GroupNorm(scope / 1, groups: 16, channels: outputs)
    self.dropout = Dropout(scope / "dropout", probability: dropout)
  }

  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    dropout(norm(convolution(x, context)).gelu(), context)
  }
}
