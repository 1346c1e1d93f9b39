package import Layers
package import Recipes
package import Tensors

/// Unified perceptual parsing: pyramid pooling of the coarsest map, top-down sums, and all levels
/// joined at the finest size (arXiv 1807.10221).
package struct UPerNet: Decoder {
  package static let name = "upernet"
  package static let summary = "pyramid pooling and feature pyramid, all levels joined"
  package static let needsPyramid = true
  package static let options = UPerNetOptions.table
  package static var layouts: [KeyLayout] { UPerNetOptions.layouts }

  package let blocks: [Int] = []
  private let features: FeatureShape
  private let poolScales: [Int]
  private let resizing: Interpolation
  private let pooled: [ConvolutionUnit]
  private let bottleneck: ConvolutionUnit
  private let laterals: [ConvolutionUnit]
  private let smoothers: [ConvolutionUnit]
  private let fusion: ConvolutionUnit
  private let head: DenseHead

  package init(
    _ options: OptionReader, features: FeatureShape, outputs: Int, in scope: Scope,
    _ diagnostics: Diagnostics
  ) {
    self.features = features
    let settings = UPerNetOptions(options)
    let levels = features.fourLevels(for: Self.name, options, diagnostics)
    let channels = settings.channels
    func unit(_ place: Scope, inputs: Int, kernel: Int) -> ConvolutionUnit {
      ConvolutionUnit(
        place, inputs: inputs, outputs: channels, kernel: kernel, bias: settings.hasBias)
    }
    poolScales = settings.poolScales
    resizing = .bilinear(alignsCorners: settings.alignsCorners)
    pooled = poolScales.indices.map {
      unit(scope / "psp_modules" / $0 / 1, inputs: levels[3].width, kernel: 1)
    }
    bottleneck = unit(
      scope / "bottleneck", inputs: levels[3].width + poolScales.count * channels, kernel: 3)
    laterals = levels.dropLast().enumerated().map {
      unit(scope / "lateral_convs" / $0, inputs: $1.width, kernel: 1)
    }
    smoothers = (0..<3).map { unit(scope / "fpn_convs" / $0, inputs: channels, kernel: 3) }
    fusion = unit(scope / "fpn_bottleneck", inputs: 4 * channels, kernel: 3)
    head = DenseHead(
      scope / "head", inputs: channels, outputs: outputs, dropout: settings.dropout)
  }

  package func check(imageSize: [Int], samples: Int, isTraining: Bool) throws(TaskError) {
    if isTraining, samples == 1, poolScales.contains(1) {
      throw .tooFewSamples(
        component: "decoder \(Self.name)",
        reason: "batch norm after pooling to 1 × 1 pixel (pool_scales 1) needs 2 samples or more "
          + "in training",
        mend: "Raise data.batch_size, or leave 1 out of model.decoder.pool_scales")
    }
  }

  package func callAsFunction(
    _ features: Features, imageSize: [Int], _ context: ForwardContext
  ) -> Tensor {
    let maps = features.pyramid
    var sums = zip(laterals, maps).map { $0($1, context) } + [surroundings(maps[3], context)]
    for level in sums.indices.dropLast().reversed() {
      sums[level] = sums[level] + sums[level + 1].resized(to: sums[level].imageSize, resizing)
    }
    let smoothed = zip(smoothers, sums).map { $0($1, context) } + [sums[3]]
    let joined = Tensor.concatenated(
      smoothed.map { $0.resized(to: smoothed[0].imageSize, resizing) }, axis: 1)
    return head(fusion(joined, context), imageSize: imageSize, context)
  }

  /// The coarsest map beside its means over ever smaller windows (arXiv 1612.01105, figure 3).
  private func surroundings(_ map: Tensor, _ context: ForwardContext) -> Tensor {
    let means = zip(poolScales, pooled).map { scale, unit in
      unit(map.averagePooled(to: [scale, scale]), context).resized(to: map.imageSize, resizing)
    }
    return bottleneck(.concatenated([map] + means, axis: 1), context)
  }
}
