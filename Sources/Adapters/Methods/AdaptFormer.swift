import Layers
package import Recipes

/// A bottleneck beside the MLP that reads the stream before its norm (arXiv 2205.13535, equation 3).
///
/// x₂ = x₁ + MLP(norm x₁) + s A(x₁), A(x) = U φ(D x), D `[h, width]`, U `[width, h]`, ReLU. As in the
/// reference for 1-bit adapters there are no biases by default and no norm before D.
package struct AdaptFormer: BottleneckMethod {
  package static let name = "adaptformer"
  package static let summary = "a bottleneck beside the MLP, on the stream before the norm"
  package static let options = BottleneckSettings.options(
    hidden: 32, activation: .relu, dropout: 0.1
  ).adding([
    Option("biases", .boolean, default: false, "Biases on both maps."),
    StreamPlacement.scaleOption(0.1),
  ])
  package static let peftType = "ADAPTFORMER"
  package static let capabilities: AdapterCapabilities = [.blocks, .zeroStart]

  package let reader: OptionReader
  package let bottleneck: BottleneckSettings
  package let placement: StreamPlacement

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    bottleneck = BottleneckSettings(
      options, hasBias: options.bool("biases"), names: BottleneckSettings.visionNames)
    placement = .besideMLP(options)
  }
}

extension StreamPlacement {
  /// Beside the MLP on the stream before its norm.
  static func besideMLP(_ options: OptionReader) -> StreamPlacement {
    StreamPlacement(
      sublayers: [.mlp], input: .stream, scale: options.number("scale"), modules: visionModules)
  }
}
