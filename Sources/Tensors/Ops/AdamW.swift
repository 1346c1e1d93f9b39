internal import CKernels

/// One AdamW step in place (arXiv 1711.05101, algorithm 2).
///
/// `value`, `first` and `second` are changed; the caller owns them and nothing reads them meanwhile.
package func adamWStep(
  value: Tensor, first: Tensor, second: Tensor, gradient: Tensor, learningRate: Double,
  betas: (Double, Double), epsilon: Double, weightDecay: Double, step: Int
) {
  precondition(
    value.shape == gradient.shape && first.shape == value.shape && second.shape == value.shape,
    "AdamW: value \(value.shape), gradient \(gradient.shape)")
  kernels(value.dtype).adamw(
    value.pointer, first.pointer, second.pointer, gradient.pointer, value.elementCount,
    learningRate, betas.0, betas.1, epsilon, weightDecay, 1 - power(betas.0, step),
    1 - power(betas.1, step))
}

private func power(_ base: Double, _ exponent: Int) -> Double {
  var (result, factor, rest) = (1.0, base, exponent)
  while rest > 0 {
    if rest & 1 == 1 { result *= factor }
    factor *= factor
    rest >>= 1
  }
  return result
}

extension Tensor {
  /// The same values in memory of its own.
  package func copied() -> Tensor {
    let copy = Tensor(uninitialized: shape, dtype: dtype)
    copy.pointer.copyMemory(from: pointer, byteCount: byteCount)
    return copy
  }
}
