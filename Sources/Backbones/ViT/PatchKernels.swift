package import Tensors

/// A patch kernel of another size that gives, on images resized alike, what the old one gave
/// (FlexiViT, arXiv 2212.08013, equation 3; timm's `resample_patch_embed`).
///
/// With M the matrix that resizes a patch, the new kernel is the old one times the pseudoinverse of
/// M. Resizing is separable, and so is the pseudoinverse.
/// - Parameters:
///   - kernel: `[out, channel, height, width]`.
///   - size: new height and width.
///   - interpolation: whose way of resizing.
/// - Returns: `[out, channel, new height, new width]`.
package func resampledPatchKernel(
  _ kernel: Tensor, to size: [Int], _ interpolation: ViTConfiguration.Interpolation
) -> Tensor {
  var result = kernel
  for axis in [2, 3] where kernel.shape[axis] != size[axis - 2] {
    let (old, new) = (kernel.shape[axis], size[axis - 2])
    let inverse = pseudoinverse(matrix(interpolation.taps(from: old, to: new)))
    result = result.resampled(
      axis: axis,
      AxisTaps(
        inputSize: old,
        outputs: (0..<new).map { output in (0..<old).map { ($0, inverse[$0][output]) } }))
  }
  return result
}

/// `[outputs][inputs]`.
private func matrix(_ taps: AxisTaps) -> [[Double]] {
  (0..<taps.outputSize).map { output in
    var row = [Double](repeating: 0, count: taps.inputSize)
    for tap in (output * taps.tapCount)..<((output + 1) * taps.tapCount) {
      row[Int(taps.indices[tap])] += taps.weights[tap]
    }
    return row
  }
}

/// The Moore-Penrose inverse of a matrix of full rank, by its normal equations.
private func pseudoinverse(_ m: [[Double]]) -> [[Double]] {
  let transposed = transpose(m)
  return m.count >= transposed.count
    ? solved(product(transposed, m), transposed)
    : transpose(solved(product(m, transposed), m))
}

private func transpose(_ m: [[Double]]) -> [[Double]] {
  m[0].indices.map { column in m.map { $0[column] } }
}

private func product(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
  a.map { row in
    b[0].indices.map { column in zip(row, b).reduce(0) { $0 + $1.0 * $1.1[column] } }
  }
}

/// X with A X = B for a positive definite A, by elimination.
private func solved(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
  var rows = zip(a, b).map { $0 + $1 }
  for pivot in rows.indices {
    let scale = 1 / rows[pivot][pivot]
    precondition(scale.isFinite, "a patch of \(rows.count) pixels cannot be resized back")
    rows[pivot] = rows[pivot].map { $0 * scale }
    for other in rows.indices where other != pivot {
      let factor = rows[other][pivot]
      rows[other] = zip(rows[other], rows[pivot]).map { $0 - factor * $1 }
    }
  }
  return rows.map { Array($0[a.count...]) }
}
