import Layers
package import Recipes

/// One sequential adapter a block, behind its MLP (arXiv 2005.00247, section 3.3).
///
/// x₂ = x₁ + z + s A(z) with z = MLP(norm x₁) and A as in `Houlsby`.
package struct Pfeiffer: BottleneckMethod {
  package static let name = "pfeiffer"
  package static let summary = "a bottleneck behind the MLP with a residual"
  package static let options = Houlsby.sequentialOptions
  package static let peftType = "PFEIFFER"
  package static let capabilities: AdapterCapabilities = [.blocks, .zeroStart]

  package let reader: OptionReader
  package let bottleneck: BottleneckSettings
  package let placement: StreamPlacement

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    bottleneck = BottleneckSettings(options, names: BottleneckSettings.audioNames)
    placement = .sequential(options, [.mlp])
  }
}
