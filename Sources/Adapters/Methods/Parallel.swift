import Layers
package import Recipes

/// Adapters beside sublayers (arXiv 2110.04366, section 3.2 and figure 3).
///
/// x₁ = x + f(norm x) + s A(norm x) with f the attention or the MLP and A(x) = U φ(D x + d) + u, D
/// `[h, width]`, U `[width, h]`, zero at first. `sublayers: [mlp]` is Pfeiffer's place.
package struct Parallel: BottleneckMethod {
  package static let name = "parallel"
  package static let summary = "bottlenecks beside attention and MLP, on their inputs"
  package static let options = BottleneckSettings.options(hidden: 64, activation: .gelu).adding([
    StreamPlacement.sublayersOption(["attention", "mlp"]),
    StreamPlacement.scaleOption(),
  ])
  package static let peftType = "PARALLEL"
  package static let capabilities: AdapterCapabilities = [.blocks, .zeroStart]

  package let reader: OptionReader
  package let bottleneck: BottleneckSettings
  package let placement: StreamPlacement

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    bottleneck = BottleneckSettings(options, names: BottleneckSettings.audioNames)
    placement = StreamPlacement(
      sublayers: options.sublayers, input: .normalized, scale: options.number("scale"),
      modules: StreamPlacement.audioModules)
  }
}
