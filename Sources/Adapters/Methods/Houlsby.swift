import Layers
package import Recipes

/// Sequential adapters behind both sublayers (arXiv 1902.00751, section 2 and figure 2).
///
/// With z the sublayer's output: z' = z + s A(z), A(z) = U φ(D z + d) + u, D `[h, width]`, U
/// `[width, h]`; without `residual` z' = s A(z). A is zero at first. Differs from the reference for
/// audio transformers, which sets D to zero as well, so that neither map would get a gradient.
package struct Houlsby: BottleneckMethod {
  package static let name = "houlsby"
  package static let summary = "bottlenecks behind attention and MLP, each with a residual"
  package static let options = sequentialOptions
  package static let peftType = "HOULSBY"
  package static let capabilities: AdapterCapabilities = [.blocks, .zeroStart]

  package let reader: OptionReader
  package let bottleneck: BottleneckSettings
  package let placement: StreamPlacement

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    bottleneck = BottleneckSettings(options, names: BottleneckSettings.audioNames)
    placement = .sequential(options, [.attention, .mlp])
  }

  /// Options of sequential bottlenecks.
  static let sequentialOptions = BottleneckSettings.options(hidden: 64, activation: .gelu)
    .adding([
      Option(
        "residual", .boolean, default: true,
        "Keep the sublayer's output beside the map; without it the start is not the frozen model."),
      StreamPlacement.scaleOption(),
    ])
}

extension StreamPlacement {
  /// Behind sublayers, as the options of sequential bottlenecks say.
  static func sequential(
    _ options: OptionReader, _ sublayers: [BlockSite.Sublayer]
  ) -> StreamPlacement {
    StreamPlacement(
      sublayers: sublayers, input: .output, keepsOutput: options.bool("residual"),
      scale: options.number("scale"), modules: audioModules)
  }
}
