import Foundation

/// Mean binary cross entropy of logits, a scalar: −[y log σ(x) + (1 − y) log(1 − σ(x))] over all
/// elements.
///
/// Equals the multi-label soft-margin loss. No logit overflows: log(1 + e⁻|x|) + max(x, 0) − x y.
/// - Parameters:
///   - logits: any shape.
///   - targets: the same shape, shares from 0 to 1; no gradient flows to them.
/// - Returns: the mean, of shape `[]`.
package func binaryCrossEntropy(_ logits: Tensor, targets: Tensor) -> Tensor {
  precondition(
    logits.shape == targets.shape && logits.dtype == targets.dtype,
    "logits \(logits.dtype) of \(logits.shape), targets \(targets.dtype) of \(targets.shape)")
  let (x, y) = (logits.detached(), targets.detached())
  let count = Double(max(1, x.elementCount))
  let total = zip(x.doubles, y.doubles).reduce(0) { sum, pair in
    sum + log1p(exp(-abs(pair.0))) + max(pair.0, 0) - pair.0 * pair.1
  }
  return Tensor(filledWith: total / count, shape: [], dtype: x.dtype).recorded(from: [logits]) {
    [(x.sigmoid() - y).scaled(by: $0.scalar / count)]
  }
}

extension Tensor {
  fileprivate var doubles: [Double] { cast(to: .f64).elements(as: Double.self) }
}
