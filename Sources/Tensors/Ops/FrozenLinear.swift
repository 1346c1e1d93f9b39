internal import CKernels

/// What a linear layer's output goes through inside the same operation.
package enum Activation: Sendable, Equatable { case identity, gelu }

/// y = activation(x Wᵀ + Σ s (x Aᵀ) Bᵀ + b) + residual for a frozen W, as one operation.
///
/// Nothing is kept of `x` unless an A is trained, and the backward pass computes only what some
/// trainable value needs.
/// - Parameters:
///   - x: `[..., in]`, f32, bf16 or f64 (f64 without `update`).
///   - weight: `[out, in]`.
///   - bias: `[out]` or nil.
///   - update: low-rank terms.
///   - activation: applied before the residual.
///   - residual: `[..., out]` f32, or f64 with x.
///   - type: of the result; bf16 only without a residual.
/// - Returns: the result `[..., out]` and, off the tape, what the activation was applied to.
package func frozenLinear(
  _ x: Tensor, weight: FrozenWeight, bias: Tensor?, update: LowRankUpdate? = nil,
  activation: Activation = .identity, residual: Tensor? = nil, type: DType
) -> (result: Tensor, before: Tensor?) {
  let (outputs, inputs) = (weight.weight.shape[0], weight.weight.shape[1])
  precondition(
    x.shape.last == inputs && residual?.dtype ?? type == type,
    "linear: input \(x.dtype)\(x.shape), weight \(weight.weight.shape), result \(type)")
  let rows = x.elementCount / max(1, inputs)
  let shape = Array(x.shape.dropLast()) + [outputs]
  let result = Tensor(uninitialized: shape, dtype: type)
  let before = activation == .gelu ? Tensor(uninitialized: shape, dtype: type) : nil
  let hidden = update?.hidden(x, rows: rows)
  var product = PanelProduct(x, rows: rows, into: result)
  product.bias = bias
  product.residual = residual
  product.beforeGELU = before
  if let update, let hidden { product.extra = (hidden, update.added) }
  weight.forward(product)
  let operands = [x] + [bias, residual].compactMap { $0 } + (update?.operands ?? [])
  let call = FrozenLinearBackward(
    weight: weight, update: update, rows: rows, x: update == nil ? nil : x.detached(),
    shape: x.shape, type: x.dtype, before: before, hidden: hidden,
    needsInput: x.isTracked, bias: bias.map(\.isTracked), hasResidual: residual != nil)
  return (result.recorded(from: operands) { call.gradients($0) }, before)
}

/// What a frozen linear layer keeps for the way back.
private struct FrozenLinearBackward: Sendable {
  let weight: FrozenWeight
  let update: LowRankUpdate?
  let rows: Int
  /// Kept where an A is trained.
  let x: Tensor?
  let shape: [Int]
  let type: DType
  let before: Tensor?
  let hidden: Tensor?
  let needsInput: Bool
  /// Whether there is a bias, and whether it is trained.
  let bias: Bool?
  let hasResidual: Bool

  /// Gradients of x, bias, residual, A and B of every term.
  func gradients(_ gradient: Tensor) -> [Tensor?] {
    let dy = before.map { throughGELU(gradient, $0) } ?? gradient
    var passed: [Tensor?] = [nil]
    if let isTrained = bias { passed.append(isTrained ? biasGradient(dy) : nil) }
    if hasResidual { passed.append(gradient) }
    let dHidden = update?.hiddenGradient(dy, rows: rows)
    if let update, let x, let hidden, let dHidden {
      passed += update.gradients(
        hidden: hidden, hiddenGradient: dHidden, x: x, dy: dy, rows: rows
      ).map { $0 }
    }
    if needsInput {
      let dx = Tensor(uninitialized: shape, dtype: type)
      var product = PanelProduct(dy, rows: rows, into: dx)
      if let update, let dHidden { product.extra = (dHidden, update.addedBackward) }
      weight.backward(product)
      passed[0] = dx
    }
    return passed
  }

  private func throughGELU(_ gradient: Tensor, _ before: Tensor) -> Tensor {
    let dx = Tensor(uninitialized: before.shape, dtype: before.dtype)
    if before.dtype == .f64 {
      kernels(.f64).gelu_backward(
        before.pointer, gradient.pointer, dx.pointer, before.elementCount)
    } else {
      attune_products().pointee.gelu_backward(
        before.pointer, gradient.pointer, dx.pointer, before.isHalf, gradient.isHalf, dx.isHalf,
        before.elementCount)
    }
    return dx
  }

  private func biasGradient(_ dy: Tensor) -> Tensor {
    dy.cast(to: type == .f64 ? .f64 : .f32)
      .summedOverLeadingAxes(to: [weight.weight.shape[0]])
  }
}

extension Tensor {
  /// 1 for bf16, as the kernels take it.
  var isHalf: Int32 { dtype == .bf16 ? 1 : 0 }
}
