internal import CKernels

extension Tensor {
  /// Elements of one axis by number, in the order asked for; numbers may repeat.
  ///
  /// - Parameters:
  ///   - axis: the axis to choose from.
  ///   - indices: i32, `[n]` for all samples alike, or `[batch, n]` with axis 0 the batch.
  /// - Returns: this shape with size n along `axis`.
  package func gathered(axis: Int, indices: Tensor) -> Tensor {
    precondition(
      indices.dtype == .i32
        && (indices.rank == 1 || indices.rank == 2 && axis > 0 && indices.shape[0] == shape[0]),
      "gather along axis \(axis) of \(shape) by \(indices.dtype) \(indices.shape)")
    if indices.rank == 1, shape[(axis + 1)...].allSatisfy({ $0 == 1 }), dtype.isFloatingPoint {
      return gatheredColumns(axis: axis, indices: indices)
    }
    let call = Gathering(shape: shape, axis: axis, indices: indices)
    let result = Tensor(uninitialized: call.resultShape, dtype: dtype)
    let run = call.inner * dtype.byteCount
    call.eachRun { from, to in
      (result.pointer + to * run).copyMemory(from: pointer + from * run, byteCount: run)
    }
    let dtype = dtype
    return result.recorded(from: [self]) { gradient in
      let dx = Tensor(zeros: call.shape, dtype: dtype)
      call.eachRun { from, to in
        kernels(dtype).accumulate(
          gradient.pointer + to * run, 1, dx.pointer + from * run, call.inner)
      }
      return [dx]
    }
  }
}

extension Tensor {
  /// Single elements of every row, where nothing lies behind the axis.
  fileprivate func gatheredColumns(axis: Int, indices: Tensor) -> Tensor {
    let (width, count) = (shape[axis], indices.elementCount)
    let columns = indices.elements(as: Int32.self).map { Int($0) }
    precondition(
      columns.allSatisfy { (0..<width).contains($0) }, "indices \(columns) outside \(shape)")
    var resultShape = shape
    resultShape[axis] = count
    let (source, rows) = (shape, shape[..<axis].reduce(1, *))
    switch dtype {
    case .f64:
      let result = picked(of: Double.self, rows, width, columns, resultShape)
      return result.recorded(from: [self]) {
        [$0.spread(of: Double.self, rows, width, columns, source)]
      }
    default:
      let result = picked(of: Float.self, rows, width, columns, resultShape)
      return result.recorded(from: [self]) {
        [$0.spread(of: Float.self, rows, width, columns, source)]
      }
    }
  }

  private func picked<Value: TensorElement>(
    of _: Value.Type, _ rows: Int, _ width: Int, _ columns: [Int], _ resultShape: [Int]
  ) -> Tensor {
    let result = Tensor(uninitialized: resultShape, dtype: Value.dtype)
    withElements(of: Value.self) { values in
      columns.withUnsafeBufferPointer { columns in
        result.withMutableElements(of: Value.self) { chosen in
          for row in 0..<rows {
            let (from, to) = (row * width, row * columns.count)
            for place in 0..<columns.count { chosen[to + place] = values[from + columns[place]] }
          }
        }
      }
    }
    return result
  }

  /// The gradient of `picked`: elements added up at their columns.
  private func spread<Value: TensorElement & BinaryFloatingPoint>(
    of _: Value.Type, _ rows: Int, _ width: Int, _ columns: [Int], _ resultShape: [Int]
  ) -> Tensor {
    let result = Tensor(zeros: resultShape, dtype: Value.dtype)
    withElements(of: Value.self) { values in
      columns.withUnsafeBufferPointer { columns in
        result.withMutableElements(of: Value.self) { sums in
          for row in 0..<rows {
            let (to, from) = (row * width, row * columns.count)
            for place in 0..<columns.count { sums[to + columns[place]] += values[from + place] }
          }
        }
      }
    }
    return result
  }
}

/// The runs of elements that a gather moves.
private struct Gathering: Sendable {
  let shape: [Int]
  let axis: Int
  let indices: Tensor

  var inner: Int { shape[(axis + 1)...].reduce(1, *) }
  private var count: Int { indices.shape[indices.rank - 1] }

  var resultShape: [Int] {
    var result = shape
    result[axis] = count
    return result
  }

  /// Numbers of the source and the target run, for every run.
  func eachRun(_ body: (_ source: Int, _ target: Int) -> Void) {
    let outer = shape[..<axis].reduce(1, *)
    let perSample = indices.rank == 2 ? outer / max(1, shape[0]) : outer
    indices.withElements(of: Int32.self) { numbers in
      for block in 0..<outer {
        let first = indices.rank == 2 ? block / perSample * count : 0
        for position in 0..<count {
          let number = Int(numbers[first + position])
          precondition(number >= 0 && number < shape[axis], "index \(number) outside \(shape)")
          body(block * shape[axis] + number, block * count + position)
        }
      }
    }
  }
}
