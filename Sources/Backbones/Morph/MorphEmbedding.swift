import Layers
package import Tensors

/// From fields to tokens: component-wise convolution, patches, projection, attention over fields.
struct MorphEmbedding: Sendable {
  private let configuration: MorphConfiguration
  private let inputProjection: Convolution
  private let convolutions: [Convolution]
  private let projection: Linear
  private let fieldAttention: MorphFieldAttention

  init(_ scope: Scope, _ configuration: MorphConfiguration) {
    self.configuration = configuration
    let features = scope / "conv_features"
    inputProjection = Convolution(
      features / "input_proj", inputs: configuration.maxComponents, outputs: 8,
      kernel: [1, 1, 1], bias: false)
    let filters = configuration.filters
    var widths = [8]
    while widths[widths.count - 1] < filters {
      widths.append(min(2 * widths[widths.count - 1], filters))
    }
    widths.append(filters)
    convolutions = (1..<widths.count).map { index in
      Convolution(
        features / "conv_stack" / (2 * (index - 1)), inputs: widths[index - 1],
        outputs: widths[index], kernel: [3, 3, 3],
        geometry: ConvolutionGeometry(padding: [1, 1, 1]), bias: false)
    }
    projection = Linear(
      scope / "projection", inputs: configuration.patchVolume * filters,
      outputs: configuration.dim)
    fieldAttention = MorphFieldAttention(scope / "field_attn", configuration)
  }

  /// From `[batch, time, field, component, depth, height, width]` to `[batch, time, token, dim]`,
  /// tokens with width fastest.
  func callAsFunction(_ input: Tensor, _ context: ForwardContext) -> Tensor {
    let shape = input.shape
    let (batch, time, fields) = (shape[0], shape[1], shape[2])
    var x = input.reshaped(to: [batch * time * fields] + shape[3...])
      .padded(axis: 1, before: 0, after: configuration.maxComponents - shape[3])
    x = inputProjection(x, context)
    for convolution in convolutions { x = convolution(x, context).leakyReLU(slope: 0.2) }
    let tokens = projection(patches(x, configuration.patch), context)
    let count = tokens.shape[1]
    let byToken = tokens.reshaped(to: [batch * time, fields, count, configuration.dim])
      .permuted([0, 2, 1, 3]).reshaped(to: [batch * time * count, fields, configuration.dim])
    return fieldAttention(byToken).reshaped(to: [batch, time, count, configuration.dim])
  }
}

/// Patch sizes along depth, height and width for a grid: 1 where the axis has size 1.
package func patchSizes(_ patch: [Int], grid: [Int]) -> [Int] {
  zip(patch, grid).map { $1 == 1 ? 1 : min($0, $1) }
}

/// Cuts `[batch, channel, D, H, W]` into `[batch, token, channel · patch volume]`.
///
/// Tokens are numbered with width fastest; features are ordered channel, then depth, height, width
/// inside the patch.
package func patches(_ x: Tensor, _ patch: [Int]) -> Tensor {
  let p = patchSizes(patch, grid: Array(x.shape[2...]))
  let n = zip(x.shape[2...], p).map { $0 / $1 }
  return x.reshaped(to: [x.shape[0], x.shape[1], n[0], p[0], n[1], p[1], n[2], p[2]])
    .permuted([0, 2, 4, 6, 1, 3, 5, 7])
    .reshaped(to: [x.shape[0], n[0] * n[1] * n[2], x.shape[1] * p[0] * p[1] * p[2]])
}

/// One learned query attends to the fields of a token; no residual, no norm.
struct MorphFieldAttention: Sendable {
  private let query: Parameter
  private let inputWeight: Parameter
  private let inputBias: Parameter
  private let output: Linear
  private let heads: Int
  private let dim: Int

  init(_ scope: Scope, _ configuration: MorphConfiguration) {
    dim = configuration.dim
    heads = configuration.fieldHeads
    query = scope.parameter("q", shape: [1, 1, dim], .normal(standardDeviation: 1))
    let bound = (6.0 / Double(4 * dim)).squareRoot()
    inputWeight = scope.parameter(
      "attn.in_proj_weight", shape: [3 * dim, dim], .uniform(bound: bound))
    inputBias = scope.parameter("attn.in_proj_bias", shape: [3 * dim], .zeros)
    output = Linear(scope / "attn" / "out_proj", inputs: dim, outputs: dim)
  }

  /// - Parameter fields: `[rows, field, dim]`.
  /// - Returns: `[rows, dim]`.
  func callAsFunction(_ fields: Tensor) -> Tensor {
    let (rows, count) = (fields.shape[0], fields.shape[1])
    let values = project(fields, part: 2)
    let mixed: Tensor
    if count == 1 {
      mixed = values.dependingWithZeroGradient(on: query())
    } else {
      let one = project(query(), part: 0).reshaped(to: [dim])
      mixed = attention(
        queries: Tensor(zeros: [rows, 1, dim]) + one, keys: project(fields, part: 1),
        values: values, heads: heads)
    }
    return output(mixed, .evaluation).reshaped(to: [rows, dim])
  }

  /// Rows `part · dim ..< (part + 1) · dim` of the packed projection: query, key, value.
  private func project(_ x: Tensor, part: Int) -> Tensor {
    let rows = (part * dim)..<((part + 1) * dim)
    return linear(
      x, weight: inputWeight().sliced(axis: 0, rows), bias: inputBias().sliced(axis: 0, rows))
  }
}
