package import Layers
package import Tensors

/// A convolution, a batch norm and Swish.
struct LoLAConvolutionUnit: Sendable {
  private let convolution: Convolution
  private let norm: BatchNorm

  /// Places `first` and `first + 1` of a list.
  init(
    _ scope: Scope, first: Int, inputs: Int, outputs: Int, kernel: [Int],
    geometry: ConvolutionGeometry
  ) {
    convolution = Convolution(
      scope / first, inputs: inputs, outputs: outputs, kernel: kernel, geometry: geometry)
    norm = BatchNorm(scope / (first + 1), channels: outputs)
  }

  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    norm(convolution(x, context), context).silu()
  }
}

/// Squeeze and excitation (arXiv 1709.01507): x times σ(W₂ relu(W₁ m)), m the mean of each channel.
///
/// It weighs feature channels, not spectral bands, wherever it stands.
package struct LoLASqueezeExcitation: Sendable {
  private let squeeze: Linear
  private let excitation: Linear

  /// Matrices `fc.0.weight` `[channels / reduction, channels]` and `fc.2.weight`, without biases.
  package init(_ scope: Scope, channels: Int, reduction: Int = 16) {
    precondition(channels >= reduction, "\(scope.path): \(channels) channels over \(reduction)")
    func layer(_ place: Int, _ inputs: Int, _ outputs: Int) -> Linear {
      Linear(
        scope / "fc" / place, inputs: inputs, outputs: outputs, bias: false,
        groups: ["all-linear"], initialization: lolaInitialization)
    }
    squeeze = layer(0, channels, channels / reduction)
    excitation = layer(2, channels / reduction, channels)
  }

  /// `[batch, channel, ...]` to the same shape.
  package func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let means = x.averaged(over: Array(2..<x.rank)).reshaped(to: Array(x.shape[..<2]))
    let factors = excitation(squeeze(means, context).relu(), context).sigmoid()
    let ones = [Int](repeating: 1, count: x.rank - 2)
    return x * factors.reshaped(to: x.shape[..<2] + ones).expanded(to: x.shape)
  }
}

/// Halves a grid of tokens and doubles their width.
///
/// Depthwise 3×3 convolution, Swish, squeeze and excitation, 1×1 convolution, batch norm, 3×3
/// convolution of stride 2.
package struct LoLAReduction: Sendable {
  private let depthwise: Convolution
  private let excitation: LoLASqueezeExcitation
  private let widening: Convolution
  private let norm: BatchNorm
  private let reduction: Convolution

  package init(_ scope: Scope, channels: Int) {
    depthwise = Convolution(
      scope / "conv" / 0, inputs: channels, outputs: channels, kernel: [3, 3],
      geometry: .planar(padding: 1, groups: channels), bias: false, labels: [])
    excitation = LoLASqueezeExcitation(scope / "conv" / 2, channels: channels)
    widening = Convolution(
      scope / "conv" / 3, inputs: channels, outputs: 2 * channels, kernel: [1, 1], bias: false)
    norm = BatchNorm(scope / "norm", channels: 2 * channels)
    reduction = Convolution(
      scope / "reduction", inputs: 2 * channels, outputs: 2 * channels, kernel: [3, 3],
      geometry: .planar(stride: 2, padding: 1), bias: false)
  }

  /// From `[batch, channel, rows, columns]` to `[batch, 2 · channel, rows / 2, columns / 2]`, sizes
  /// rounded up.
  package func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let excited = excitation(depthwise(x, context).silu(), context)
    return reduction(norm(widening(excited, context), context), context)
  }
}
