internal import CKernels

/// y = x Wᵀ (+ b).
///
/// Nothing is kept of `x` when the weight is frozen, and the backward pass computes only what some
/// trainable value needs.
/// - Parameters:
///   - x: `[..., in]`.
///   - weight: `[out, in]`.
///   - bias: `[out]` or nil.
/// - Returns: `[..., out]`.
public func linear(_ x: Tensor, weight: Tensor, bias: Tensor? = nil) -> Tensor {
  precondition(
    weight.rank == 2 && x.shape.last == weight.shape[1],
    "linear: input of shape \(x.shape) against weight of \(weight.shape)")
  let (outputs, inputs) = (weight.shape[0], weight.shape[1])
  let rows = x.elementCount / max(1, inputs)
  let result = Tensor(uninitialized: x.shape.dropLast() + [outputs], dtype: x.dtype)
  BLAS.multiply(
    x.dtype, a: x.pointer, transposeA: false, b: weight.pointer, transposeB: true,
    c: result.pointer, m: rows, n: outputs, k: inputs)
  if let bias {
    kernels(x.dtype).add_row(result.pointer, bias.pointer, result.pointer, rows, outputs)
  }
  let operands = [x, weight] + (bias.map { [$0] } ?? [])
  let savedInput = weight.isTracked ? x.detached() : nil
  let savedWeight = x.isTracked ? weight.detached() : nil
  let (inputShape, needsInput, needsBias) = (x.shape, x.isTracked, bias?.isTracked ?? false)
  let (hasBias, dtype) = (bias != nil, x.dtype)
  return result.recorded(from: operands) { gradient in
    var passed: [Tensor?] = [nil, nil]
    if needsInput {
      let dx = Tensor(uninitialized: inputShape, dtype: dtype)
      if let savedWeight {
        BLAS.multiply(
          dtype, a: gradient.pointer, transposeA: false, b: savedWeight.pointer,
          transposeB: false, c: dx.pointer, m: rows, n: inputs, k: outputs)
      }
      passed[0] = dx
    }
    if let savedInput {
      let dw = Tensor(uninitialized: [outputs, inputs], dtype: dtype)
      BLAS.multiply(
        dtype, a: gradient.pointer, transposeA: true, b: savedInput.pointer, transposeB: false,
        c: dw.pointer, m: outputs, n: inputs, k: rows)
      passed[1] = dw
    }
    if hasBias { passed.append(needsBias ? gradient.summedOverLeadingAxes(to: [outputs]) : nil) }
    return passed
  }
}

/// Product of two matrices `[m, k]` and `[k, n]`.
package func matrixProduct(_ a: Tensor, _ b: Tensor) -> Tensor {
  linear(a, weight: b.permuted([1, 0]))
}
