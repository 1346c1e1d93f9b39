/// Rows of a batch that share low-rank terms.
package struct LinearSegment: Sendable {
  package let rows: Int
  /// Nil for the frozen product alone.
  package let update: LowRankUpdate?

  package init(rows: Int, update: LowRankUpdate?) {
    self.rows = rows
    self.update = update
  }
}

/// y = activation(x Wᵀ + Σ s (x Aᵀ) Bᵀ + b) + residual where every run of rows has low-rank terms of
/// its own: many adapters on one frozen weight in one batch (arXiv 2311.03285, section 5).
///
/// For inference: nothing is recorded.
/// - Parameters:
///   - x: `[..., in]`, f32 or bf16, rows in the order of the segments.
///   - weight: `[out, in]`.
///   - bias: `[out]` or nil.
///   - segments: their rows add up to those of `x`.
///   - activation: applied before the residual.
///   - residual: `[..., out]` f32 or nil.
///   - type: of the result; bf16 only without a residual.
/// - Returns: `[..., out]`.
package func segmentedLinear(
  _ x: Tensor, weight: FrozenWeight, bias: Tensor?, segments: [LinearSegment],
  activation: Activation = .identity, residual: Tensor? = nil, type: DType
) -> Tensor {
  let (outputs, inputs) = (weight.weight.shape[0], weight.weight.shape[1])
  let rows = x.elementCount / max(1, inputs)
  precondition(
    x.shape.last == inputs && segments.reduce(0) { $0 + $1.rows } == rows,
    "segmentedLinear: input \(x.shape), segments of \(segments.map(\.rows)) rows")
  precondition(
    !x.isTracked && residual?.isTracked != true, "segmentedLinear records nothing: inference only")
  let result = Tensor(uninitialized: [rows, outputs], dtype: type)
  let flat = x.detached().reshaped(to: [rows, inputs])
  let added = residual?.detached().reshaped(to: [rows, outputs])
  var first = 0
  for segment in segments where segment.rows > 0 {
    let range = first..<(first + segment.rows)
    first = range.upperBound
    let input = flat.sliced(axis: 0, range)
    let target = result.sliced(axis: 0, range)
    var product = PanelProduct(input, rows: segment.rows, into: target)
    product.bias = bias
    product.residual = added?.sliced(axis: 0, range)
    product.beforeGELU =
      activation == .gelu ? Tensor(uninitialized: target.shape, dtype: type) : nil
    if let update = segment.update {
      product.extra = (update.hidden(input, rows: segment.rows), update.added)
    }
    weight.forward(product)
  }
  return result.reshaped(to: Array(x.shape.dropLast()) + [outputs])
}
