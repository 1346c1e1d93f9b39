import Layers
import Tensors

/// A block without nonlinear activations: a depthwise and a pointwise half, each on a normalized
/// input and added with learned factors (arXiv 2204.04676, figure 3).
///
/// The factors start at 0, so that a new block is the identity.
struct NAFNetBlock: Sendable {
  private let norm1: LayerNorm2D
  private let conv1: Convolution
  private let conv2: Convolution
  private let attention: NAFNetAttention
  private let conv3: Convolution
  private let norm2: LayerNorm2D
  private let conv4: Convolution
  private let conv5: Convolution
  private let beta: Parameter
  private let gamma: Parameter
  private let kind: NAFNetConfiguration.Block

  /// `pool` is of the level that the block stands on.
  init(_ scope: Scope, width: Int, _ kind: NAFNetConfiguration.Block, pool: NAFNetPool) {
    self.kind = kind
    // A gate halves its input, GELU keeps it.
    let isGated = kind == .nafnet
    let spread = isGated ? 2 * width : width
    func pointwise(_ name: String, _ inputs: Int, _ outputs: Int) -> Convolution {
      Convolution(pointwise: scope / name, inputs: inputs, outputs: outputs)
    }
    norm1 = LayerNorm2D(scope / "norm1", channels: width)
    conv1 = pointwise("conv1", width, spread)
    conv2 = Convolution(
      scope / "conv2", inputs: spread, outputs: spread, kernel: [3, 3],
      geometry: .planar(padding: 1, groups: spread), labels: ["depthwise"])
    attention = NAFNetAttention(scope, width: width, kind, pool: pool)
    conv3 = pointwise("conv3", width, width)
    norm2 = LayerNorm2D(scope / "norm2", channels: width)
    conv4 = pointwise("conv4", width, 2 * width)
    conv5 = pointwise("conv5", isGated ? width : 2 * width, width)
    beta = scope.parameter("beta", shape: [1, width, 1, 1], .zeros)
    gamma = scope.parameter("gamma", shape: [1, width, 1, 1], .zeros)
  }

  /// `[batch, width, height, width]` to the same shape.
  func callAsFunction(_ input: Tensor, _ context: ForwardContext) -> Tensor {
    let mixed = activated(conv2(conv1(norm1(input), context), context))
    let y = input + conv3(attention(mixed, context), context).times(beta)
    let widened = activated(conv4(norm2(y), context))
    return y + conv5(widened, context).times(gamma)
  }

  /// The product of the two halves of the channels, or GELU.
  private func activated(_ x: Tensor) -> Tensor {
    guard kind == .nafnet else { return x.gelu() }
    let half = x.shape[1] / 2
    return x.sliced(axis: 1, 0..<half) * x.sliced(axis: 1, half..<(2 * half))
  }
}

/// Factors of the channels from their means: one linear map, or squeeze and excitation.
struct NAFNetAttention: Sendable {
  private let pool: NAFNetPool
  private let squeeze: Convolution?
  private let excitation: Convolution

  init(
    _ scope: Scope, width: Int, _ kind: NAFNetConfiguration.Block, pool: NAFNetPool
  ) {
    self.pool = pool
    switch kind {
    case .nafnet:
      squeeze = nil
      excitation = Convolution(pointwise: scope / "sca" / 1, inputs: width, outputs: width)
    case .baseline:
      squeeze = Convolution(pointwise: scope / "se" / 1, inputs: width, outputs: width / 2)
      excitation = Convolution(pointwise: scope / "se" / 3, inputs: width / 2, outputs: width)
    }
  }

  /// `[batch, width, height, width]` to the same shape.
  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let means = pool(x)
    let factors =
      squeeze.map { excitation($0(means, context).relu(), context).sigmoid() }
      ?? excitation(means, context)
    guard factors.shape != x.shape else { return x * factors }
    let lines = x.shape[0] * x.shape[1]
    return x.reshaped(to: [1, lines, -1])
      .affineByChannel(weight: factors.reshaped(to: [lines]), bias: nil).reshaped(to: x.shape)
  }
}

extension Convolution {
  /// A linear map of the channels of each pixel.
  init(pointwise scope: Scope, inputs: Int, outputs: Int, bias: Bool = true) {
    self.init(
      scope, inputs: inputs, outputs: outputs, kernel: [1, 1], bias: bias,
      labels: ["conv", "all-linear"])
  }
}

extension Tensor {
  /// Every channel times its factor, stored as `[1, channels, 1, 1]`.
  fileprivate func times(_ factors: Parameter) -> Tensor {
    affineByChannel(weight: factors().reshaped(to: [shape[1]]), bias: nil)
  }
}
