/// y = x Wᵀ for a frozen W that is made for the product, made again on the way back, and kept in neither.
///
/// - Parameters:
///   - x: `[..., in]`, f32 or bf16.
///   - precision: of the products.
///   - weight: W `[out, in]`, f32; the same values at every call.
/// - Returns: `[..., out]` of the type of `x`.
package func remadeLinear(
  _ x: Tensor, precision: Precision, _ weight: @escaping @Sendable () -> Tensor
) -> Tensor {
  let result = frozenLinear(
    x.detached(), weight: FrozenWeight(weight(), precision: precision), bias: nil, type: x.dtype
  ).result
  let (shape, type) = (x.shape, x.dtype)
  return result.recorded(from: [x]) { gradient in
    let dx = Tensor(uninitialized: shape, dtype: type)
    let rows = dx.elementCount / max(1, shape.last ?? 1)
    FrozenWeight(weight(), precision: precision)
      .backward(PanelProduct(gradient, rows: rows, into: dx))
    return [dx]
  }
}
