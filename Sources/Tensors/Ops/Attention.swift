/// Probability and random numbers of the dropout on attention weights.
package typealias AttentionDropout = (probability: Double, stream: DropoutStream)

/// Multi-head attention softmax(q kᵀ · scale + bias) v (arXiv 1706.03762, equation 1), heads side by
/// side.
///
/// The matrix of weights is never stored; its blocks are computed again on the way back, so that
/// memory is linear in tokens. bf16 operands give a bf16 result; arithmetic is in single precision.
/// - Parameters:
///   - queries: `[batch, tokens, heads · d]`.
///   - keys: `[batch, keys, heads · d]`.
///   - values: `[batch, keys, heads · e]`; e ≠ d takes the slower form that stores the weights.
///   - heads: number of heads.
///   - scale: factor of the scores, 1/√d where nil.
///   - bias: `[batch or 1, heads or 1, tokens or 1, keys]`, added to the scores; −∞ masks a pair.
///     Every row needs one finite entry.
///   - dropout: of the weights, nil for none.
/// - Returns: `[batch, tokens, heads · e]`.
package func attention(
  queries: Tensor, keys: Tensor, values: Tensor, heads: Int, scale: Double? = nil,
  bias: Tensor? = nil, dropout: AttentionDropout? = nil
) -> Tensor {
  guard keys.shape == values.shape else {
    return composedAttention(
      queries: queries, keys: keys, values: values, heads: heads, scale: scale, bias: bias,
      dropout: dropout)
  }
  let call = AttentionCall(
    queries: queries.shape, keys: keys.shape, width: queries.shape[2], heads: heads, scale: scale,
    bias: bias, dropout: dropout)
  let operands = AttentionOperands(
    queries: AttentionRows(queries), keys: AttentionRows(keys), values: AttentionRows(values))
  let (output, logSumExp) = call.forward(operands)
  return output.recorded(from: [queries, keys, values] + (bias.map { [$0] } ?? [])) { gradient in
    let into = operands.uninitialized
    let biasGradient = call.backward(operands, output, logSumExp, gradient, into: into)
    return [into.queries.tensor, into.keys.tensor, into.values.tensor] + biasGradient
  }
}

/// The same on queries, keys and values side by side, read in place.
///
/// - Parameters:
///   - packed: `[batch, tokens, 3 · heads · d]`: all queries, all keys, all values of a token.
///   - heads: number of heads.
///   - scale: factor of the scores, 1/√d where nil.
///   - bias: `[batch or 1, heads or 1, tokens or 1, tokens]`, added to the scores.
///   - dropout: of the weights, nil for none.
/// - Returns: `[batch, tokens, heads · d]`.
package func attention(
  packed: Tensor, heads: Int, scale: Double? = nil, bias: Tensor? = nil,
  dropout: AttentionDropout? = nil
) -> Tensor {
  let width = packed.shape[2] / 3
  let call = AttentionCall(
    queries: packed.shape, keys: packed.shape, width: width, heads: heads, scale: scale,
    bias: bias, dropout: dropout)
  let operands = AttentionOperands(packed: packed, width: width)
  let (output, logSumExp) = call.forward(operands)
  return output.recorded(from: [packed] + (bias.map { [$0] } ?? [])) { gradient in
    let into = AttentionOperands(
      packed: Tensor(uninitialized: packed.shape, dtype: packed.dtype), width: width)
    let biasGradient = call.backward(operands, output, logSumExp, gradient, into: into)
    return [into.queries.tensor] + biasGradient
  }
}

/// The same on keys and values side by side, read in place.
///
/// - Parameters:
///   - queries: `[batch, tokens, heads · d]`.
///   - keysAndValues: `[batch, keys, 2 · heads · d]`: all keys, then all values of a token.
///   - heads: number of heads.
///   - scale: factor of the scores, 1/√d where nil.
///   - bias: `[batch or 1, heads or 1, tokens or 1, keys]`, added to the scores.
///   - dropout: of the weights, nil for none.
/// - Returns: `[batch, tokens, heads · d]`.
package func attention(
  queries: Tensor, keysAndValues: Tensor, heads: Int, scale: Double? = nil, bias: Tensor? = nil,
  dropout: AttentionDropout? = nil
) -> Tensor {
  let call = AttentionCall(
    queries: queries.shape, keys: keysAndValues.shape, width: keysAndValues.shape[2] / 2,
    heads: heads, scale: scale, bias: bias, dropout: dropout)
  let operands = AttentionOperands(queries: queries, keysAndValues: keysAndValues)
  let (output, logSumExp) = call.forward(operands)
  return output.recorded(from: [queries, keysAndValues] + (bias.map { [$0] } ?? [])) { gradient in
    let into = AttentionOperands(
      queries: Tensor(uninitialized: queries.shape, dtype: queries.dtype),
      keysAndValues: Tensor(uninitialized: keysAndValues.shape, dtype: keysAndValues.dtype))
    let biasGradient = call.backward(operands, output, logSumExp, gradient, into: into)
    return [into.queries.tensor, into.keys.tensor] + biasGradient
  }
}
