/// Multi-head attention from single operations, with the weights in memory: for values of another
/// width than the keys, and as the reference for the fused form.
///
/// - Parameters:
///   - queries: `[batch, tokens, heads · d]`.
///   - keys: `[batch, keys, heads · d]`.
///   - values: `[batch, keys, heads · e]`; e may differ from d.
///   - heads: number of heads.
///   - scale: factor of the scores, 1/√d where nil.
///   - bias: `[batch or 1, heads or 1, tokens or 1, keys]`, added to the scores; −∞ masks a pair.
///     Every row needs one finite entry.
///   - dropout: of the weights, nil for none.
/// - Returns: `[batch, tokens, heads · e]`.
package func composedAttention(
  queries: Tensor, keys: Tensor, values: Tensor, heads: Int, scale: Double? = nil,
  bias: Tensor? = nil, dropout: AttentionDropout? = nil
) -> Tensor {
  let (batch, tokens, width) = (queries.shape[0], queries.shape[1], queries.shape[2] / heads)
  func split(_ x: Tensor) -> Tensor {
    x.reshaped(to: [batch, x.shape[1], heads, x.shape[2] / heads]).permuted([0, 2, 1, 3])
  }
  let factor = scale ?? 1 / Double(width).squareRoot()
  var scores = batchedProduct(split(queries.scaled(by: factor)), split(keys), transposeB: true)
  if let bias { scores = scores + bias.expanded(to: scores.shape) }
  var weights = scores.softmax()
  if let dropout {
    weights = weights.dropped(probability: dropout.probability, stream: dropout.stream)
  }
  return batchedProduct(weights, split(values)).permuted([0, 2, 1, 3])
    .reshaped(to: [batch, tokens, -1])
}
