import Layers
package import Tensors

/// The learned position table, resampled to the tokens of an input.
struct MorphPositions: Sendable {
  private let table: Parameter
  private let tableDropout: Dropout
  private let sumDropout: Dropout
  private let positional: MorphConfiguration.Positional

  init(_ scope: Scope, _ configuration: MorphConfiguration) {
    table = scope.parameter(
      "pos_embedding",
      shape: [1, configuration.maxTime, configuration.maxPatches, configuration.dim],
      .normal(standardDeviation: 1))
    tableDropout = Dropout(path: scope.path + ".table", probability: configuration.embeddingDropout)
    sumDropout = Dropout(path: scope.path + ".sum", probability: configuration.embeddingDropout)
    positional = configuration.positional
  }

  /// Positions for `time` frames of `tokens` patches: `[time, token, dim]`.
  func encoding(time: Int, tokens: Int) -> Tensor {
    let resampled = resampledPositions(table(), time: time, tokens: tokens, positional)
    return resampled.reshaped(to: [time, tokens, resampled.shape[3]])
  }

  /// Tokens `[batch, time, token, dim]` with their positions added.
  func callAsFunction(_ tokens: Tensor, _ context: ForwardContext) -> Tensor {
    let positions = encoding(time: tokens.shape[1], tokens: tokens.shape[2])
    return sumDropout(tokens + tableDropout.shared(positions, context), context)
  }
}

/// Resamples a table `[1, max time, max patches, dim]` to `[1, time, token, dim]`.
///
/// `slice` takes the first time rows and interpolates along the patches without antialiasing;
/// `bilinear` resamples both axes with antialiasing, so that all time rows count even for one frame.
package func resampledPositions(
  _ table: Tensor, time: Int, tokens: Int, _ positional: MorphConfiguration.Positional
) -> Tensor {
  switch positional {
  case .slice:
    let rows = table.sliced(axis: 1, 0..<time)
    guard tokens != table.shape[2] else { return rows }
    return rows.resampled(axis: 2, .linear(from: table.shape[2], to: tokens))
  case .bilinear:
    return
      table
      .resampled(axis: 1, .antialiasedLinear(from: table.shape[1], to: time))
      .resampled(axis: 2, .antialiasedLinear(from: table.shape[2], to: tokens))
  }
}
