internal import CKernels

/// Mean cross entropy of logits with class labels, a scalar.
///
/// With label smoothing s the target distribution is (1 − s) one-hot + s/classes
/// (arXiv 1512.00567, section 7).
/// - Parameters:
///   - logits: `[..., classes]`.
///   - labels: i32, the shape of `logits` without the last axis.
///   - ignoring: label of the rows that take no part; their number does not count in the mean.
///   - smoothing: s.
///   - divisor: what the sum is divided by, the number of rows that take part where nil.
/// - Returns: the mean over rows, of shape `[]`; 0 where every row is ignored.
package func crossEntropy(
  _ logits: Tensor, labels: Tensor, ignoring: Int? = nil, smoothing: Double = 0,
  divisor: Double? = nil
) -> Tensor {
  precondition(
    labels.dtype == .i32 && labels.shape == Array(logits.shape.dropLast()),
    "logits of shape \(logits.shape), labels \(labels.dtype) of \(labels.shape)")
  let classes = logits.shape[logits.rank - 1]
  let rows = labels.elementCount
  let ignored = Int32(ignoring ?? -1)
  let count = labels.withElements(of: Int32.self) { values in
    values.reduce(0) { sum, label in
      if label == ignored { return sum }
      precondition(label >= 0 && label < classes, "label \(label) with \(classes) classes")
      return sum + 1
    }
  }
  let probabilities = Tensor(uninitialized: logits.shape, dtype: logits.dtype)
  let table = kernels(logits.dtype)
  var total = 0.0
  labels.withElements(of: Int32.self) {
    table.cross_entropy(
      logits.pointer, $0.baseAddress, ignored, smoothing, probabilities.pointer, rows, classes,
      &total)
  }
  let mean = 1 / max(divisor ?? Double(count), .leastNormalMagnitude)
  return Tensor(filledWith: count == 0 ? 0 : total * mean, shape: [], dtype: logits.dtype)
    .recorded(from: [logits]) { gradient in
      let dx = Tensor(uninitialized: probabilities.shape, dtype: probabilities.dtype)
      labels.withElements(of: Int32.self) {
        kernels(dx.dtype).cross_entropy_backward(
          probabilities.pointer, $0.baseAddress, ignored, smoothing, gradient.scalar * mean,
          dx.pointer, rows, classes)
      }
      return [dx]
    }
}
