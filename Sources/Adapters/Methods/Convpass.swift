import Layers
package import Recipes
import Tensors

/// A convolution over the grid of tokens within a bottleneck (arXiv 2207.07039, section 3.2).
///
/// z' = z + s U φ(C * φ(D norm(x) + d)) + …: D `[h, width]`, C a 3×3 convolution `[h, h, 3, 3]` over the
/// last two axes of the grid, U `[width, h]`, all with biases; φ is QuickGELU. Class token and
/// registers are grids of one token, which only the middle tap meets. C starts as the identity, or
/// Xavier uniform; U starts at zero.
package struct Convpass: StreamMethod {
  /// Which sublayers it stands beside.
  enum Place: String, CaseIterable {
    case both, attention, mlp
    var sublayers: [BlockSite.Sublayer] {
      switch self {
      case .both: [.attention, .mlp]
      case .attention: [.attention]
      case .mlp: [.mlp]
      }
    }
  }

  package static let name = "convpass"
  package static let summary = "a bottleneck with a 3x3 convolution over the grid of tokens"
  package static let options = BottleneckSettings.options(
    hidden: 8, activation: .quickGELU, dropout: 0.1
  ).adding([
    Option(
      "placement", .choice(Place.self), default: "both", "Sublayers that it stands beside."),
    Option(
      "xavier_init", .boolean, default: false,
      "Start the convolution Xavier uniform instead of as the identity."),
    StreamPlacement.scaleOption(),
  ])
  package static let peftType = "CONVPASS"
  package static let capabilities: AdapterCapabilities = [.blocks, .zeroStart, .tokenGrid]

  package let reader: OptionReader
  package let placement: StreamPlacement
  private let bottleneck: BottleneckSettings
  private let startsRandom: Bool

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    bottleneck = BottleneckSettings(options, names: BottleneckSettings.visionNames)
    startsRandom = options.bool("xavier_init")
    placement = StreamPlacement(
      sublayers: options.choice("placement", as: Place.self).sublayers, input: .normalized,
      scale: options.number("scale"), modules: StreamPlacement.visionModules)
  }

  package func makeMap(_ scope: BranchScope, _ shared: SharedValues) -> any StreamMap {
    ConvpassMap(scope, bottleneck, startsRandom: startsRandom)
  }

  /// Those of the bottleneck, and 9 h² + h.
  package func mapCount(width: Int) -> Int {
    bottleneck.count(width: width) + LinearMap.count(9 * bottleneck.hidden, bottleneck.hidden)
  }
}

private struct ConvpassMap: StreamMap {
  let down: LinearMap
  /// `[h, h, 3, 3]`.
  let kernel: Parameter
  let shift: Parameter
  let up: LinearMap
  let activation: BottleneckActivation
  let dropout: Dropout
  private let path: String

  var parameters: [Parameter] { down.parameters + [kernel, shift] + up.parameters }

  init(_ scope: BranchScope, _ settings: BottleneckSettings, startsRandom: Bool) {
    let hidden = settings.hidden
    path = scope.path(to: "adapter_conv")
    down = settings.makeDown(scope)
    kernel = scope.parameter(
      "adapter_conv.weight", [hidden, hidden, 3, 3],
      startsRandom
        ? .xavier(inputs: 9 * hidden, outputs: 9 * hidden) : Self.identity(channels: hidden))
    shift = scope.parameter("adapter_conv.bias", [hidden], .zeros)
    up = settings.makeUp(scope)
    activation = settings.activation
    dropout = settings.makeDropout(scope)
  }

  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    guard let tokens = context.tokens else {
      preconditionFailure("\(path): the tokens' grid is not known")
    }
    let hidden = activation(down(x))
    let (count, channels) = (hidden.shape[1], hidden.shape[2])
    precondition(tokens.count == count, "\(path): \(count) tokens, expected \(tokens)")
    let sizes = Array(([1] + tokens.grid).suffix(2))
    let planes = hidden.sliced(axis: 1, tokens.prefix..<count)
      .reshaped(to: [-1, sizes[0] * sizes[1], channels]).permuted([0, 2, 1])
      .reshaped(to: [-1, channels] + sizes)
    let mixed = convolution(
      planes, weight: kernel(), bias: shift(), geometry: .planar(padding: 1)
    ).reshaped(to: [-1, channels, sizes[0] * sizes[1]]).permuted([0, 2, 1])
      .reshaped(to: [hidden.shape[0], count - tokens.prefix, channels])
    guard tokens.prefix > 0 else { return up(dropout(activation(mixed), context)) }
    let middle = kernel().reshaped(to: [channels, channels, 9]).sliced(axis: 2, 4..<5)
      .reshaped(to: [channels, channels])
    let alone = linear(
      hidden.sliced(axis: 1, 0..<tokens.prefix), weight: middle, bias: shift())
    return up(dropout(activation(.concatenated([alone, mixed], axis: 1)), context))
  }

  /// 1 at the middle tap from each channel to itself.
  private static func identity(channels: Int) -> Initialization {
    var values = [Float](repeating: 0, count: channels * channels * 9)
    for channel in 0..<channels { values[(channel * channels + channel) * 9 + 4] = 1 }
    return .values(values)
  }
}
