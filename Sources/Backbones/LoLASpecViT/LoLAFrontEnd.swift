import Layers
import Tensors

/// From a patch of spectra to tokens: 3-D convolutions, channel weights, mean over the spectral axis,
/// patches of 4×4 pixels with stride 2, positions.
struct LoLAFrontEnd: Sendable {
  private let convolutions: [LoLAConvolutionUnit]
  private let bandDropout: LoLABandDropout
  private let channelWeights: LoLASqueezeExcitation
  private let learnedPool: LoLASpectralPool?
  private let embedding: LoLAConvolutionUnit
  private let positions: Parameter
  private let positionDropout: Dropout

  /// Makes the layers in the model's root.
  init(_ root: Scope, _ configuration: LoLASpecViTConfiguration) {
    let (dim, side) = (configuration.dim, configuration.spatialSize / 2)
    let widths = [1, 32, 64, dim]
    convolutions = [7, 5, 3].enumerated().map { index, depth in
      LoLAConvolutionUnit(
        root / "spectral_conv", first: 3 * index, inputs: widths[index],
        outputs: widths[index + 1], kernel: [depth, 3, 3],
        geometry: ConvolutionGeometry(padding: [depth / 2, 1, 1]))
    }
    bandDropout = LoLABandDropout(
      root / "band_dropout", probability: configuration.bandDropout)
    channelWeights = LoLASqueezeExcitation(root / "spectral_attention", channels: dim)
    learnedPool =
      configuration.spectralPool == .learned ? LoLASpectralPool(root / "spectral_pool") : nil
    embedding = LoLAConvolutionUnit(
      root / "patch_embed", first: 0, inputs: dim, outputs: dim, kernel: [4, 4],
      geometry: .planar(stride: 2, padding: 1))
    positions = root.parameter("pos_embed", shape: [1, side, side, dim], lolaInitialization)
    positionDropout = Dropout(root / "pos_drop", probability: configuration.positionDropout)
  }

  /// From `[batch, component, row, column]` to tokens `[batch, rows, columns, dim]`.
  ///
  /// `named` takes the values before: means over the spectral axis and patches, channels first.
  func callAsFunction(
    _ image: Tensor, named: inout [String: Tensor], _ context: ForwardContext
  ) -> Tensor {
    var x = image.reshaped(to: [image.shape[0], 1] + image.shape[1...])
    for unit in convolutions { x = context.block(x) { unit($0, $1) } }
    x = bandDropout(x, context)
    let mean: Tensor
    if let learnedPool {
      mean = learnedPool(channelWeights(x, context))
    } else {
      // A channel's weight is the same at all spectral positions: weighing may follow the mean.
      let plain = x.averaged(over: [2])
        .reshaped(to: Array(x.shape[..<2]) + x.shape[3...])
      named["spectral_mean_before_se"] = plain
      mean = channelWeights(plain, context)
    }
    named["spectral_mean"] = mean
    let patches = embedding(mean, context)
    named["patch_embed"] = patches
    let tokens = patches.permuted([0, 2, 3, 1])
    let table = positions().reshaped(to: Array(positions.shape[1...]))
    return positionDropout(tokens + table, context)
  }
}

/// Dropout of whole spectral positions of a feature channel: one draw for each sample, channel and
/// position, after the convolutions.
struct LoLABandDropout: Sendable {
  private let dropout: Dropout

  init(_ scope: Scope, probability: Double) {
    dropout = Dropout(scope, probability: probability)
  }

  /// `[batch, channel, depth, rows, columns]` to the same shape.
  func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    guard dropout.setting(context) != nil else { return x }
    let ones = Tensor(filledWith: 1, shape: x.shape[..<3] + [1, 1], dtype: x.dtype)
    return x * dropout(ones, context).expanded(to: x.shape)
  }
}

/// A mean over the spectral axis with weights that follow from the cube (Aloudname/LoLA_hsViT).
///
/// Two profiles along the axis, the means of x and of |x|, are mixed by σ(`mix_logit`) and scored by
/// two small convolutions with a GELU between them; the softmax of the scores weighs the positions.
struct LoLASpectralPool: Sendable {
  private let first: Parameter
  private let second: Parameter
  private let mix: Parameter

  /// Parameters `band_score.0.weight` `[8, 1, 3]`, `band_score.2.weight` `[1, 8, 3]`, `mix_logit`.
  init(_ scope: Scope) {
    first = scope.parameter("band_score.0.weight", shape: [8, 1, 3], .fanIn(3))
    second = scope.parameter("band_score.2.weight", shape: [1, 8, 3], .fanIn(24))
    mix = scope.parameter("mix_logit", shape: [], .zeros)
  }

  /// From `[batch, channel, depth, rows, columns]` to `[batch, channel, rows, columns]`.
  func callAsFunction(_ x: Tensor) -> Tensor {
    let (batch, depth) = (x.shape[0], x.shape[2])
    func profile(_ x: Tensor) -> Tensor {
      x.averaged(over: [1, 3, 4]).reshaped(to: [batch, 1, 1, depth])
    }
    let mean = profile(x)
    let magnitude = profile(x.leakyReLU(slope: -1))
    let mixed = mean + (magnitude - mean) * mix().sigmoid()
    let scores = convolved(convolved(mixed, first).gelu(), second)
    let weights = scores.reshaped(to: [batch, depth]).softmax()
      .reshaped(to: [batch, 1, depth, 1, 1]).expanded(to: x.shape)
    return (x * weights).summed(over: [2])
      .reshaped(to: Array(x.shape[..<2]) + x.shape[3...])
  }

  /// A convolution along the last axis of `[batch, channel, 1, depth]`.
  private func convolved(_ x: Tensor, _ kernel: Parameter) -> Tensor {
    let (outputs, inputs) = (kernel.shape[0], kernel.shape[1])
    return convolution(
      x, weight: kernel().reshaped(to: [outputs, inputs, 1, 3]),
      geometry: ConvolutionGeometry(padding: [0, 0, 1]))
  }
}
