internal import CKernels

/// Rows of heads · d elements inside a tensor `[batch, tokens, columns]`, from column `first` on.
struct AttentionRows: Sendable {
  let tensor: Tensor
  let first: Int

  init(_ tensor: Tensor, first: Int = 0) {
    self.tensor = tensor.detached()
    self.first = first
  }

  /// For the kernels; valid while the tensor lives.
  var view: attune_rows {
    attune_rows(data: tensor.pointer + first * tensor.dtype.byteCount, stride: tensor.shape[2])
  }
}

/// Queries, keys and values, each in a tensor of its own or side by side; or their gradients.
struct AttentionOperands: Sendable {
  let queries: AttentionRows
  let keys: AttentionRows
  let values: AttentionRows

  init(queries: AttentionRows, keys: AttentionRows, values: AttentionRows) {
    self.queries = queries
    self.keys = keys
    self.values = values
  }

  /// All in one tensor `[batch, tokens, 3 · width]`.
  init(packed: Tensor, width: Int) {
    queries = AttentionRows(packed)
    keys = AttentionRows(packed, first: width)
    values = AttentionRows(packed, first: 2 * width)
  }

  /// Keys and values in one tensor `[batch, keys, 2 · width]`.
  init(queries: Tensor, keysAndValues: Tensor) {
    self.queries = AttentionRows(queries)
    keys = AttentionRows(keysAndValues)
    values = AttentionRows(keysAndValues, first: queries.shape[2])
  }

  /// Three tensors of the same shapes to be written.
  var uninitialized: AttentionOperands {
    func alike(_ rows: AttentionRows) -> AttentionRows {
      AttentionRows(Tensor(uninitialized: rows.tensor.shape, dtype: rows.tensor.dtype))
    }
    return AttentionOperands(queries: alike(queries), keys: alike(keys), values: alike(values))
  }
}
