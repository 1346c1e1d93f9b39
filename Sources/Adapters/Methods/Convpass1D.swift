import Layers
package import Recipes
import Tensors

/// A convolution along the sequence of tokens within a bottleneck (arXiv 2312.03694, section 3).
///
/// A(x) = U φ(C * φ(D x + d)) + u: D `[h, width]`, C `[h, h, 3]` along the tokens, those without a place
/// included, U `[width, h]`, zero at first; φ is QuickGELU. Differs from the reference, which computes
/// the convolution and then goes on from its input, and which starts D at zero as well.
package struct Convpass1D: StreamMethod {
  package static let name = "convpass-1d"
  package static let summary = "a bottleneck with a convolution along the sequence of tokens"
  package static let options = BottleneckSettings.options(
    hidden: 8, activation: .quickGELU, dropout: 0.1
  ).adding([
    StreamPlacement.positionOption,
    StreamPlacement.sublayersOption(["mlp"]),
    StreamPlacement.scaleOption(),
  ])
  package static let peftType = "CONVPASS_1D"
  package static let capabilities: AdapterCapabilities = [.blocks, .zeroStart]

  package let reader: OptionReader
  package let placement: StreamPlacement
  private let bottleneck: BottleneckSettings

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    bottleneck = BottleneckSettings(options, names: BottleneckSettings.visionNames)
    placement = .positioned(options)
  }

  package func makeMap(_ scope: BranchScope, _ shared: SharedValues) -> any StreamMap {
    Convpass1DMap(scope, bottleneck)
  }

  /// Those of the bottleneck, and 3 h² + h.
  package func mapCount(width: Int) -> Int {
    bottleneck.count(width: width) + LinearMap.count(3 * bottleneck.hidden, bottleneck.hidden)
  }
}

extension StreamPlacement {
  /// As the options `placement`, `sublayers` and `scale` say.
  static func positioned(_ options: OptionReader) -> StreamPlacement {
    StreamPlacement(
      sublayers: options.sublayers,
      input: options.choice("placement", as: Position.self).input,
      scale: options.number("scale"), modules: audioModules)
  }
}

private struct Convpass1DMap: StreamMap {
  let down: LinearMap
  let mixing: TokenConvolution
  let up: LinearMap
  let activation: BottleneckActivation
  let dropout: Dropout

  var parameters: [Parameter] { down.parameters + mixing.parameters + up.parameters }

  init(_ scope: BranchScope, _ settings: BottleneckSettings) {
    down = settings.makeDown(scope)
    mixing = TokenConvolution(scope, "adapter_conv", channels: settings.hidden, taps: 3)
    up = settings.makeUp(scope)
    activation = settings.activation
    dropout = settings.makeDropout(scope)
  }

  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let mixed = activation(mixing(activation(down(x))))
    return up(dropout(TokenConvolution.tokens(mixed), context))
  }
}
