internal import CKernels

/// Sizes and settings of one attention, and the calls of its kernels.
struct AttentionCall: Sendable {
  private let batch: Int
  private let tokens: Int
  private let keys: Int
  private let heads: Int
  private let width: Int
  private let scale: Double
  private let bias: Tensor?
  private let wantsBiasGradient: Bool
  private let dropout: AttentionDropout?

  /// - Parameters:
  ///   - queries: shape of the tensor that holds them.
  ///   - keys: shape of the tensor that holds them.
  ///   - width: heads · d.
  ///   - heads: number of heads.
  ///   - scale: factor of the scores, 1/√d where nil.
  ///   - bias: `[batch or 1, heads or 1, tokens or 1, keys]`.
  ///   - dropout: of the weights.
  init(
    queries: [Int], keys: [Int], width: Int, heads: Int, scale: Double?, bias: Tensor?,
    dropout: AttentionDropout?
  ) {
    precondition(
      queries.count == 3 && keys.count == 3 && queries[0] == keys[0] && heads > 0
        && width % heads == 0 && queries[2] % width == 0 && keys[2] % width == 0,
      "attention: q \(queries), k \(keys), \(heads) heads over \(width)")
    batch = queries[0]
    tokens = queries[1]
    self.keys = keys[1]
    self.heads = heads
    self.width = width / heads
    self.scale = scale ?? 1 / Double(width / heads).squareRoot()
    self.dropout = dropout
    self.bias = bias?.detached()
    wantsBiasGradient = bias?.isTracked ?? false
    let scores = [batch, heads, tokens, self.keys]
    precondition(
      bias.map { bias in
        bias.rank == 4 && bias.shape[3] == scores[3]
          && zip(bias.shape, scores).allSatisfy { $0 == $1 || $0 == 1 }
      } ?? true, "attention: bias \(bias?.shape ?? []) for scores \(scores)")
  }

  /// The output `[batch, tokens, heads · d]` and what the backward pass needs of the scores.
  func forward(_ operands: AttentionOperands) -> (output: Tensor, logSumExp: Tensor) {
    let dtype = operands.queries.tensor.dtype
    let output = Tensor(uninitialized: [batch, tokens, heads * width], dtype: dtype)
    let logSumExp = Tensor(uninitialized: [batch, heads, tokens], dtype: working(dtype))
    let (q, k, v) = views(operands)
    withDescription(dtype, biasGradient: nil, isBackward: false) { table, call, scratch in
      table.attention(
        call, q, k, v, AttentionRows(output).view, logSumExp.pointer, scratch.pointer)
    }
    return (output, logSumExp)
  }

  /// Writes the gradients of queries, keys and values.
  ///
  /// - Returns: the gradient of the bias, nil where it needs none; empty without a bias.
  func backward(
    _ operands: AttentionOperands, _ output: Tensor, _ logSumExp: Tensor, _ gradient: Tensor,
    into gradients: AttentionOperands
  ) -> [Tensor?] {
    let dtype = output.dtype
    let gradient = gradient.detached().cast(to: dtype)
    let biasGradient = bias.flatMap {
      wantsBiasGradient ? Tensor(zeros: $0.shape, dtype: working(dtype)) : nil
    }
    let (q, k, v) = views(operands)
    let (dq, dk, dv) = views(gradients)
    withDescription(dtype, biasGradient: biasGradient, isBackward: true) { table, call, scratch in
      table.attention_backward(
        call, q, k, v, AttentionRows(output).view, logSumExp.pointer,
        AttentionRows(gradient).view, dq, dk, dv, scratch.pointer)
    }
    return bias.map { [biasGradient?.cast(to: $0.dtype)] } ?? []
  }

  /// The type that arithmetic, saved sums and the bias have.
  private func working(_ dtype: DType) -> DType { dtype == .bf16 ? .f32 : dtype }

  private func views(
    _ operands: AttentionOperands
  ) -> (attune_rows, attune_rows, attune_rows) {
    let parts = [operands.queries, operands.keys, operands.values]
    precondition(
      parts.allSatisfy { $0.tensor.dtype == parts[0].tensor.dtype },
      "attention: operands of types \(parts.map(\.tensor.dtype))")
    return (parts[0].view, parts[1].view, parts[2].view)
  }

  /// Calls `body` with the kernels, a description of this call for them, and scratch memory.
  private func withDescription(
    _ dtype: DType, biasGradient: Tensor?, isBackward: Bool,
    _ body: (attune_kernel_table, UnsafePointer<attune_attention>, Tensor) -> Void
  ) {
    let table = kernels(working(dtype))
    let bias = bias?.cast(to: working(dtype))
    var call = attune_attention()
    (call.batch, call.heads, call.width) = (batch, heads, width)
    (call.queries, call.keys, call.scale) = (tokens, keys, scale)
    call.is_bf16 = dtype == .bf16 ? 1 : 0
    if let bias {
      let shape = bias.shape
      call.bias = UnsafeRawPointer(bias.pointer)
      call.dbias = biasGradient?.pointer
      call.bias_stride = (
        shape[0] > 1 ? shape[1] * shape[2] * keys : 0, shape[1] > 1 ? shape[2] * keys : 0,
        shape[2] > 1 ? keys : 0
      )
    }
    withExtendedLifetime((bias, biasGradient)) {
      withOptionalPointer(to: mask) { mask in
        call.mask = mask
        var size = 0
        table.attention_scratch(&call, isBackward ? 1 : 0, &size)
        body(table, &call, Tensor(uninitialized: [size], dtype: .u8))
      }
    }
  }

  private var mask: attune_dropout_mask? {
    guard let dropout, dropout.probability > 0 else { return nil }
    return dropout.stream.mask(
      probability: dropout.probability, elements: batch * heads * tokens * keys)
  }
}

private func withOptionalPointer<Value>(
  to value: Value?, _ body: (UnsafePointer<Value>?) -> Void
) {
  if let value { withUnsafePointer(to: value) { body($0) } } else { body(nil) }
}
