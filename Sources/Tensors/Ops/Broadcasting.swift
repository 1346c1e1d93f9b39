internal import CKernels

extension Tensor {
  /// Axes of size 1 repeated to the sizes of `target`, which has as many axes.
  package func expanded(to target: [Int]) -> Tensor {
    precondition(
      rank == target.count && zip(shape, target).allSatisfy { $0 == $1 || $0 == 1 },
      "\(shape) cannot be expanded to \(target)")
    guard target != shape else { return self }
    var strides = [Int](repeating: 0, count: rank)
    var step = 1
    for axis in stride(from: rank - 1, through: 0, by: -1) {
      strides[axis] = shape[axis] == 1 ? 0 : step
      step *= shape[axis]
    }
    let repeatedAxes = target.indices.filter { shape[$0] != target[$0] }
    return strided(shape: target, strides: strides).recorded(from: [self]) { gradient in
      [gradient.summed(over: repeatedAxes)]
    }
  }

  /// Sums over some axes, which stay with size 1.
  package func summed(over axes: [Int]) -> Tensor {
    guard !axes.isEmpty else { return self }
    let kept = shape.indices.filter { !axes.contains($0) }
    let source = permuted(axes + kept).detached()
    let columns = kept.reduce(1) { $0 * shape[$1] }
    let sums = Tensor(zeros: kept.map { shape[$0] }, dtype: dtype)
    kernels(dtype).sum_rows(
      source.pointer, sums.pointer, elementCount / max(1, columns), columns)
    let target = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
    let original = shape
    return sums.reshaped(to: target).recorded(from: [self]) { [$0.expanded(to: original)] }
  }

  /// Means over some axes, which stay with size 1.
  package func averaged(over axes: [Int]) -> Tensor {
    summed(over: axes).scaled(by: 1 / Double(max(1, axes.reduce(1) { $0 * shape[$1] })))
  }
}
