internal import CKernels

extension Tensor {
  /// The same elements in another shape; one axis may be −1 and is then worked out.
  public func reshaped(to shape: [Int]) -> Tensor {
    var target = shape
    if let free = shape.firstIndex(of: -1) {
      let known = shape.reduce(1) { $1 == -1 ? $0 : $0 * $1 }
      target[free] = known == 0 ? 0 : elementCount / known
    }
    precondition(
      target.reduce(1, *) == elementCount, "\(self.shape) cannot be reshaped to \(shape)")
    let result = Tensor(shape: target, dtype: dtype, storage: storage, byteOffset: byteOffset)
    let original = self.shape
    return result.recorded(from: [self]) { [$0.reshaped(to: original)] }
  }

  /// Axes in another order: axis `i` of the result is axis `order[i]` of this tensor.
  public func permuted(_ order: [Int]) -> Tensor {
    precondition(order.sorted() == Array(0..<rank), "\(order) is no order of \(rank) axes")
    guard order != Array(0..<rank) else { return self }
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * shape[axis + 1]
    }
    let result = strided(shape: order.map { shape[$0] }, strides: order.map { strides[$0] })
    var inverse = [Int](repeating: 0, count: rank)
    for (position, axis) in order.enumerated() { inverse[axis] = position }
    return result.recorded(from: [self]) { [inverse] in [$0.permuted(inverse)] }
  }

  /// Part of one axis.
  public func sliced(axis: Int, _ range: Range<Int>) -> Tensor {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= shape[axis],
      "range \(range) outside axis \(axis) of \(shape)")
    guard range.count < shape[axis] else { return self }
    var target = shape
    target[axis] = range.count
    let inner = shape[(axis + 1)...].reduce(1, *)
    let offset = range.lowerBound * inner * dtype.byteCount
    let result: Tensor
    if shape[..<axis].allSatisfy({ $0 == 1 }) {
      result = Tensor(
        shape: target, dtype: dtype, storage: storage, byteOffset: byteOffset + offset)
    } else {
      result = Tensor(uninitialized: target, dtype: dtype)
      copyRows(
        from: pointer + offset, stride: shape[axis] * inner, to: result.pointer,
        stride: range.count * inner, length: range.count * inner,
        rows: shape[..<axis].reduce(1, *))
    }
    let (size, start) = (shape[axis], range.lowerBound)
    return result.recorded(from: [self]) { gradient in
      [gradient.padded(axis: axis, before: start, after: size - start - gradient.shape[axis])]
    }
  }

  /// Zeros before and after the elements of one axis.
  public func padded(axis: Int, before: Int, after: Int) -> Tensor {
    precondition(before >= 0 && after >= 0, "padding \(before), \(after)")
    guard before > 0 || after > 0 else { return self }
    var target = shape
    target[axis] += before + after
    let inner = shape[(axis + 1)...].reduce(1, *)
    let result = Tensor(zeros: target, dtype: dtype)
    copyRows(
      from: pointer, stride: shape[axis] * inner,
      to: result.pointer + before * inner * dtype.byteCount, stride: target[axis] * inner,
      length: shape[axis] * inner, rows: shape[..<axis].reduce(1, *))
    let size = shape[axis]
    return result.recorded(from: [self]) { [$0.sliced(axis: axis, before..<(before + size))] }
  }

  /// Tensors joined along an axis; all other axes agree.
  public static func concatenated(_ parts: [Tensor], axis: Int) -> Tensor {
    precondition(!parts.isEmpty, "nothing to concatenate")
    var target = parts[0].shape
    target[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
    let result = Tensor(uninitialized: target, dtype: parts[0].dtype)
    let inner = target[(axis + 1)...].reduce(1, *)
    var start = 0
    for part in parts {
      precondition(
        part.rank == target.count && part.dtype == result.dtype
          && part.shape.indices.allSatisfy { $0 == axis || part.shape[$0] == target[$0] },
        "shapes \(parts.map(\.shape)) differ outside axis \(axis)")
      part.copyRows(
        from: part.pointer, stride: part.shape[axis] * inner,
        to: result.pointer + start * inner * part.dtype.byteCount, stride: target[axis] * inner,
        length: part.shape[axis] * inner, rows: target[..<axis].reduce(1, *))
      start += part.shape[axis]
    }
    let sizes = parts.map { $0.shape[axis] }
    return result.recorded(from: parts) { gradient in
      var start = 0
      return sizes.map { size in
        defer { start += size }
        return gradient.sliced(axis: axis, start..<(start + size))
      }
    }
  }

  /// A dense copy whose axes step through the elements by `strides`, which may be 0.
  func strided(shape: [Int], strides: [Int]) -> Tensor {
    let result = Tensor(uninitialized: shape, dtype: dtype)
    attune_permute(
      pointer, result.pointer, shape.count, shape.map(Int64.init), strides.map(Int64.init),
      dtype.byteCount)
    return result
  }

  /// Copies `rows` runs of `length` elements; strides count elements.
  private func copyRows(
    from source: UnsafeRawPointer, stride sourceStride: Int,
    to target: UnsafeMutableRawPointer, stride targetStride: Int, length: Int, rows: Int
  ) {
    let size = dtype.byteCount
    for row in 0..<rows {
      (target + row * targetStride * size).copyMemory(
        from: source + row * sourceStride * size, byteCount: length * size)
    }
  }
}
