import Foundation
package import Tensors

extension ViTConfiguration.Interpolation {
  /// The map along one axis of a grid.
  func taps(from input: Int, to output: Int) -> AxisTaps {
    switch self {
    case .timm: .antialiasedCubic(from: input, to: output)
    case .transformers: .cubic(from: input, to: output)
    case .jax: .linear(from: input, to: output)
    }
  }
}

/// Resamples a position table from one grid of patches to another.
///
/// - Parameters:
///   - table: `[1, prefix + height · width, dim]`; the rows before those of the patches stay as they
///     are.
///   - prefix: number of these rows.
///   - old: height and width in patches that the table is for.
///   - new: height and width in patches that are wanted.
///   - interpolation: whose way of doing it.
/// - Returns: `[1, prefix + new height · new width, dim]`.
package func resampledPositionTable(
  _ table: Tensor, prefix: Int, from old: [Int], to new: [Int],
  _ interpolation: ViTConfiguration.Interpolation
) -> Tensor {
  guard old != new else { return table }
  let (rows, width) = (table.shape[1], table.shape[2])
  precondition(
    rows == prefix + old[0] * old[1], "\(rows) positions for \(prefix) + \(old[0]) x \(old[1])")
  let patches = table.sliced(axis: 1, prefix..<rows)
    .reshaped(to: [1, old[0], old[1], width])
    .resampled(axis: 1, interpolation.taps(from: old[0], to: new[0]))
    .resampled(axis: 2, interpolation.taps(from: old[1], to: new[1]))
    .reshaped(to: [1, new[0] * new[1], width])
  guard prefix > 0 else { return patches }
  return .concatenated([table.sliced(axis: 1, 0..<prefix), patches], axis: 1)
}

/// Fixed positions of a grid of patches: `[prefix + height · width, width]`, rows before the patches
/// zero.
///
/// With ω_k = 10000^(−k / (width / 4)) the row of the patch in column x and line y is
/// [sin ω x, cos ω x, sin ω y, cos ω y]: columns come first, as in the code of arXiv 2111.06377.
func sineCosineTable(prefix: Int, grid: [Int], width: Int) -> [Float] {
  precondition(width % 4 == 0, "sine-cosine positions of width \(width)")
  let quarter = width / 4
  let frequencies = (0..<quarter).map { pow(10000, -Double($0) / Double(quarter)) }
  var table = [Float](repeating: 0, count: prefix * width)
  for line in 0..<grid[0] {
    for column in 0..<grid[1] {
      for place in [Double(column), Double(line)] {
        table += frequencies.map { Float(sin(place * $0)) }
        table += frequencies.map { Float(cos(place * $0)) }
      }
    }
  }
  return table
}
