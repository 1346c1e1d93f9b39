extension Tensor {
  /// Channels laid out as pixels (arXiv 1609.05158, section 2.2).
  ///
  /// From `[batch, channels · a · b, height, width]` with `factors` [a, b] to
  /// `[batch, channels, a · height, b · width]`: channel k a b + i b + j becomes pixel (i, j) of every
  /// cell of channel k.
  package func pixelShuffled(by factors: [Int]) -> Tensor {
    let (a, b) = (factors[0], factors[1])
    precondition(
      rank == 4 && factors.count == 2 && shape[1] % (a * b) == 0,
      "pixel shuffle by \(factors) of \(shape)")
    guard a * b > 1 else { return self }
    let (channels, height, width) = (shape[1] / (a * b), shape[2], shape[3])
    return reshaped(to: [shape[0], channels, a, b, height, width])
      .permuted([0, 1, 4, 2, 5, 3])
      .reshaped(to: [shape[0], channels, a * height, b * width])
  }
}

/// Transposed convolution whose stride is its kernel, so that no two outputs overlap:
/// y[o, a i + u, b j + v] = bias[o] + Σ_c w[c, o, u, v] x[c, i, j].
///
/// - Parameters:
///   - x: `[batch, in, H, W]`.
///   - weight: `[in, out, a, b]`.
///   - bias: `[out]` or nil.
/// - Returns: `[batch, out, a H, b W]`.
package func transposedConvolution(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor {
  precondition(
    x.rank == 4 && weight.rank == 4 && x.shape[1] == weight.shape[0],
    "transposed convolution: input \(x.shape), weight \(weight.shape)")
  let cells = convolution(
    x, weight: weight.permuted([1, 2, 3, 0]).reshaped(to: [-1, weight.shape[0], 1, 1]))
  let pixels = cells.pixelShuffled(by: Array(weight.shape[2...]))
  return bias.map { pixels.affineByChannel(weight: nil, bias: $0) } ?? pixels
}
