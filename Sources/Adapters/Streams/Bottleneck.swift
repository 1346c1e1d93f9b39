import Layers
import Recipes
import Tensors

/// A layer y = x Wᵀ (+ b) that belongs to an adapter.
struct LinearMap: Sendable {
  /// `[outputs, inputs]`, possibly with axes of size 1 behind.
  let weight: Parameter
  /// `[outputs]`.
  let bias: Parameter?

  var parameters: [Parameter] { [weight] + (bias.map { [$0] } ?? []) }
  /// `[outputs, inputs]`.
  var matrix: Tensor { weight().reshaped(to: [weight.shape[0], -1]) }

  /// From `[..., inputs]` to `[..., outputs]`.
  func callAsFunction(_ x: Tensor) -> Tensor { linear(x, weight: matrix, bias: bias?()) }

  /// Values of such a layer.
  static func count(_ inputs: Int, _ outputs: Int, hasBias: Bool = true) -> Int {
    inputs * outputs + (hasBias ? outputs : 0)
  }
}

extension BranchScope {
  /// A linear layer whose bias starts at zero.
  ///
  /// `kernel` are further axes of the stored weight, for pointwise convolutions.
  func linear(
    _ name: String, inputs: Int, outputs: Int, hasBias: Bool = true, kernel: [Int] = [],
    _ initialization: Initialization
  ) -> LinearMap {
    LinearMap(
      weight: parameter(name + ".weight", [outputs, inputs] + kernel, initialization),
      bias: hasBias ? parameter(name + ".bias", [outputs], .zeros) : nil)
  }
}

/// The nonlinearity between the maps of a bottleneck.
enum BottleneckActivation: String, CaseIterable, Sendable {
  case gelu, relu, silu
  case tanhGELU = "gelu-tanh"
  case quickGELU = "quick-gelu"
  case identity

  func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .gelu: x.gelu()
    case .relu: x.relu()
    case .silu: x.silu()
    case .tanhGELU: x.geluTanh()
    case .quickGELU: x.quickGELU()
    case .identity: x
    }
  }
}

/// What bottlenecks have in common: A(x) = U φ(D x + d) + u with D `[h, width]`, U `[width, h]`.
///
/// D starts Xavier uniform and U and both biases at zero, so that A is zero; dropout acts on φ(·).
package struct BottleneckSettings: Sendable {
  let hidden: Int
  let hasBias: Bool
  let activation: BottleneckActivation
  let dropout: Double
  /// Names of D and U.
  let names: (down: String, up: String)

  init(
    _ options: OptionReader, hasBias: Bool = true, names: (down: String, up: String)
  ) {
    hidden = max(1, options.int("h"))
    self.hasBias = hasBias
    activation = options.choice("activation", as: BottleneckActivation.self)
    dropout = options.number("dropout")
    self.names = names
  }

  /// Names in the reference for audio transformers.
  static let audioNames = (down: "linear_downsample", up: "linear_upsample")
  /// Names in the references for vision transformers.
  static let visionNames = (down: "adapter_down", up: "adapter_up")

  /// Options `h`, `activation` and `dropout`.
  static func options(
    hidden: Int, activation: BottleneckActivation, dropout: Double = 0
  ) -> OptionTable {
    [
      Option(
        "h", .integer, default: .value(.integer(hidden)), range: .atLeast(1),
        "Width of the bottleneck."),
      Option(
        "activation", .choice(BottleneckActivation.self),
        default: .value(.text(activation.rawValue)), "Function between the two maps."),
      Option(
        "dropout", .number, default: .value(.number(dropout)), range: .within(0..<1),
        "Dropout before the second map."),
    ]
  }

  func makeDown(_ scope: BranchScope) -> LinearMap {
    scope.linear(
      names.down, inputs: scope.width, outputs: hidden, hasBias: hasBias,
      .xavier(inputs: scope.width, outputs: hidden))
  }

  func makeUp(_ scope: BranchScope) -> LinearMap {
    scope.linear(names.up, inputs: hidden, outputs: scope.width, hasBias: hasBias, .zeros)
  }

  func makeDropout(_ scope: BranchScope) -> Dropout {
    Dropout(path: scope.path(to: "dropout"), probability: dropout)
  }

  /// 2 width h, with biases h + width more.
  func count(width: Int) -> Int {
    LinearMap.count(width, hidden, hasBias: hasBias)
      + LinearMap.count(hidden, width, hasBias: hasBias)
  }
}

/// A method whose maps are plain bottlenecks.
package protocol BottleneckMethod: StreamMethod, HiddenUnits {
  var bottleneck: BottleneckSettings { get }
}

extension BottleneckMethod {
  package func makeMap(_ scope: BranchScope, _ shared: SharedValues) -> any StreamMap {
    Bottleneck(scope, bottleneck)
  }

  package func mapCount(width: Int) -> Int { bottleneck.count(width: width) }
}

/// U φ(D x + d) + u.
private struct Bottleneck: StreamMap {
  let down: LinearMap
  let up: LinearMap
  let activation: BottleneckActivation
  let dropout: Dropout

  var parameters: [Parameter] { down.parameters + up.parameters }

  init(_ scope: BranchScope, _ settings: BottleneckSettings) {
    down = settings.makeDown(scope)
    up = settings.makeUp(scope)
    activation = settings.activation
    dropout = settings.makeDropout(scope)
  }

  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    up(dropout(activation(down(x)), context))
  }
}
