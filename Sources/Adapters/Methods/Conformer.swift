import Layers
package import Recipes
import Tensors

/// The convolution module of the Conformer as an adapter (arXiv 2312.03694, section 3; module: arXiv
/// 2005.08100, section 2.2).
///
/// A(x) = U silu(norm(C * glu(D LN(x) + d))) + u: D `[2 h, width, 1]` to a gated half, C a depthwise
/// convolution `[h, 1, kernel]` along the tokens, batch norm with running statistics, U
/// `[width, h, 1]`, zero at first. Training always uses the batch's statistics. Differs from the
/// reference, which discards the result of its layer norm (`layernorm: false` gives that form).
package struct Conformer: StreamMethod {
  package static let name = "conformer"
  package static let summary = "a gated bottleneck with a depthwise convolution along the tokens"
  package static let options: OptionTable = [
    Option("h", .integer, default: 24, range: .atLeast(1), "Width of the bottleneck."),
    Option(
      "kernel", .integer, default: 31, range: .atLeast(1), "Taps of the convolution, an odd number."
    ),
    Option("layernorm", .boolean, default: true, "A layer norm on the input."),
    Option(
      "dropout", .number, default: 0, range: .within(0..<1), "Dropout on the output."),
    StreamPlacement.positionOption,
    StreamPlacement.sublayersOption(["mlp"]),
    StreamPlacement.scaleOption(),
  ]
  package static let peftType = "CONFORMER"
  package static let capabilities: AdapterCapabilities = [.blocks, .zeroStart]

  package let reader: OptionReader
  package let placement: StreamPlacement
  private let hidden: Int
  private let taps: Int
  private let normalizes: Bool
  private let dropout: Double

  package init(_ options: OptionReader, _ diagnostics: Diagnostics) {
    reader = options
    hidden = max(1, options.int("h"))
    taps = max(1, options.int("kernel"))
    normalizes = options.bool("layernorm")
    dropout = options.number("dropout")
    placement = .positioned(options)
    if taps % 2 == 0, let value = options.value("kernel") {
      diagnostics.error(
        .rule("a kernel of \(taps) taps has no middle", mend: "choose an odd number"), at: value)
    }
  }

  package func makeMap(_ scope: BranchScope, _ shared: SharedValues) -> any StreamMap {
    ConformerMap(
      scope, hidden: hidden, taps: taps, normalizes: normalizes, dropout: dropout)
  }

  /// 3 width h + width + 2 h for D and U, h (kernel + 1) for C, 2 h for the batch norm, 2 width for
  /// the layer norm.
  package func mapCount(width: Int) -> Int {
    LinearMap.count(width, 2 * hidden) + LinearMap.count(hidden, width)
      + LinearMap.count(taps, hidden) + 2 * hidden + (normalizes ? 2 * width : 0)
  }
}

private struct ConformerMap: StreamMap {
  let gain: (weight: Parameter, bias: Parameter)?
  let down: LinearMap
  let mixing: TokenConvolution
  let norm: BatchNorm
  let up: LinearMap
  let dropout: Dropout

  var parameters: [Parameter] {
    (gain.map { [$0.weight, $0.bias] } ?? []) + down.parameters + mixing.parameters
      + [norm.weight, norm.bias] + up.parameters
  }
  var buffers: [Parameter] { [norm.runningMean, norm.runningVariance] }

  init(_ scope: BranchScope, hidden: Int, taps: Int, normalizes: Bool, dropout: Double) {
    let width = scope.width
    gain =
      normalizes
      ? (
        scope.parameter("lnorm.weight", [width], .ones),
        scope.parameter("lnorm.bias", [width], .zeros)
      ) : nil
    down = scope.linear(
      "pwise_conv1", inputs: width, outputs: 2 * hidden, kernel: [1],
      .xavier(inputs: width, outputs: 2 * hidden))
    mixing = TokenConvolution(scope, "dwise_conv", channels: hidden, taps: taps, groups: hidden)
    norm = BatchNorm(
      weight: scope.parameter("bnorm.weight", [hidden], .ones),
      bias: scope.parameter("bnorm.bias", [hidden], .zeros),
      runningMean: scope.buffer("bnorm.running_mean", [hidden], .zeros),
      runningVariance: scope.buffer("bnorm.running_var", [hidden], .ones))
    up = scope.linear(
      "pwise_conv2", inputs: hidden, outputs: width, kernel: [1], .zeros)
    self.dropout = Dropout(path: scope.path(to: "dropout"), probability: dropout)
  }

  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let input =
      gain.map { layerNorm(x, weight: $0.weight(), bias: $0.bias(), epsilon: 1e-5) } ?? x
    let both = down(input)
    let (axis, width) = (both.rank - 1, both.shape[both.rank - 1] / 2)
    let gated =
      both.sliced(axis: axis, 0..<width)
      * both.sliced(axis: axis, width..<(2 * width)).sigmoid()
    let normal = norm(mixing(gated), context.usingBatchStatistics(context.isTraining))
    return dropout(up(TokenConvolution.tokens(normal.silu())), context)
  }
}
