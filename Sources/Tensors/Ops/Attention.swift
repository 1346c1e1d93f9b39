internal import CKernels

/// Multi-head attention softmax(q kᵀ · scale) v (arXiv 1706.03762, equation 1), heads side by side.
///
/// The matrix of weights is never stored; its rows are computed again on the way back.
/// - Parameters:
///   - queries: `[batch, tokens, heads · d]`.
///   - keys: `[batch, keys, heads · d]`.
///   - values: the shape of `keys`.
///   - heads: number of heads.
///   - scale: factor of the scores, 1/√d where nil.
///   - dropout: probability and random numbers of the dropout on the weights, nil for none.
/// - Returns: `[batch, tokens, heads · d]`.
package func attention(
  queries: Tensor, keys: Tensor, values: Tensor, heads: Int, scale: Double? = nil,
  dropout: (probability: Double, stream: DropoutStream)? = nil
) -> Tensor {
  precondition(
    queries.rank == 3 && keys.shape == values.shape && keys.rank == 3
      && queries.shape[0] == keys.shape[0] && queries.shape[2] == keys.shape[2]
      && keys.shape[2] % heads == 0,
    "attention: q \(queries.shape), k \(keys.shape), v \(values.shape), \(heads) heads")
  let call = AttentionCall(
    batch: queries.shape[0], tokens: queries.shape[1], keys: keys.shape[1], heads: heads,
    width: queries.shape[2] / heads,
    scale: scale ?? 1 / (Double(queries.shape[2] / heads)).squareRoot(), dropout: dropout)
  let (q, k, v) = (queries.detached(), keys.detached(), values.detached())
  let (output, logSumExp) = call.forward(q, k, v)
  return output.recorded(from: [queries, keys, values]) { gradient in
    call.backward(q, k, v, output, logSumExp, gradient)
  }
}

private struct AttentionCall: Sendable {
  let batch: Int
  let tokens: Int
  let keys: Int
  let heads: Int
  let width: Int
  let scale: Double
  let dropout: (probability: Double, stream: DropoutStream)?

  private func mask(row: Int) -> attune_dropout_mask? {
    guard let dropout, dropout.probability > 0 else { return nil }
    let perRow = heads * tokens * keys
    return dropout.stream.mask(
      probability: dropout.probability, elements: batch * perRow, start: row * perRow)
  }

  func forward(_ q: Tensor, _ k: Tensor, _ v: Tensor) -> (Tensor, Tensor) {
    let output = Tensor(uninitialized: q.shape, dtype: q.dtype)
    let logSumExp = Tensor(uninitialized: [batch, heads, tokens], dtype: q.dtype)
    let scratch = Tensor(uninitialized: [(width + 1) * keys], dtype: q.dtype)
    let table = kernels(q.dtype)
    let size = q.dtype.byteCount
    for row in 0..<batch {
      let queryOffset = row * tokens * heads * width * size
      let keyOffset = row * keys * heads * width * size
      withOptionalPointer(to: mask(row: row)) { mask in
        table.attention(
          q.pointer + queryOffset, k.pointer + keyOffset, v.pointer + keyOffset,
          output.pointer + queryOffset, logSumExp.pointer + row * heads * tokens * size, tokens,
          keys, heads, width, scale, mask, scratch.pointer)
      }
    }
    return (output, logSumExp)
  }

  func backward(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ output: Tensor, _ logSumExp: Tensor, _ gradient: Tensor
  ) -> [Tensor?] {
    let dq = Tensor(zeros: q.shape, dtype: q.dtype)
    let dk = Tensor(zeros: k.shape, dtype: q.dtype)
    let dv = Tensor(zeros: v.shape, dtype: q.dtype)
    let scratch = Tensor(uninitialized: [2 * (width + 1) * keys], dtype: q.dtype)
    let table = kernels(q.dtype)
    let size = q.dtype.byteCount
    for row in 0..<batch {
      let a = row * tokens * heads * width * size
      let b = row * keys * heads * width * size
      withOptionalPointer(to: mask(row: row)) { mask in
        table.attention_backward(
          q.pointer + a, k.pointer + b, v.pointer + b, output.pointer + a,
          logSumExp.pointer + row * heads * tokens * size, gradient.pointer + a, dq.pointer + a,
          dk.pointer + b, dv.pointer + b, tokens, keys, heads, width, scale, mask, scratch.pointer)
      }
    }
    return [dq, dk, dv]
  }
}

private func withOptionalPointer<Value>(
  to value: Value?, _ body: (UnsafePointer<Value>?) -> Void
) {
  if let value { withUnsafePointer(to: value) { body($0) } } else { body(nil) }
}
