import Layers
package import Tensors

/// A weight whose rows lie on a grid of b bits each, `AffineGrid`.
///
/// b + 64/n bits a value, n values in a row.
package struct GridWeight: CompactValue {
  package let bits: Int
  /// `BitPacking` of all rows together, u8.
  package let codes: Tensor
  /// δ of each row, f32 `[rows]`.
  package let steps: Tensor
  /// z of each row, whole numbers in f32 `[rows]`.
  package let zeros: Tensor

  /// Rounds a matrix `[rows, n]` to grids of its rows.
  package init(_ matrix: Tensor, grids: [AffineGrid], bits: Int) {
    let values = matrix.detached().cast(to: .f32).elements(as: Float.self)
    let largest = Float((1 << bits) - 1)
    let count = values.count / max(1, grids.count)
    var codes = [UInt8](repeating: 0, count: values.count)
    for (row, grid) in grids.enumerated() {
      for index in (row * count)..<((row + 1) * count) {
        codes[index] = UInt8(grid.code(values[index], largest: largest))
      }
    }
    self.init(
      codes: Tensor(
        BitPacking.packed(codes, bits: bits),
        shape: [BitPacking.byteCount(codes.count, bits: bits)]),
      steps: Tensor(grids.map(\.step), shape: [grids.count]),
      zeros: Tensor(grids.map(\.zero), shape: [grids.count]), bits: bits)
  }

  package init(codes: Tensor, steps: Tensor, zeros: Tensor, bits: Int) {
    (self.codes, self.steps, self.zeros, self.bits) = (codes, steps, zeros, bits)
  }

  package func tensor(_ shape: [Int]) -> Tensor {
    let result = Tensor(uninitialized: shape)
    let grids = zip(steps.elements(as: Float.self), zeros.elements(as: Float.self)).map {
      AffineGrid(step: $0, zero: $1)
    }
    let (bits, mask) = (bits, UInt32((1 << bits) - 1))
    codes.withElements(of: UInt8.self) { bytes in
      result.withMutableElements(of: Float.self) { values in
        let count = values.count / max(1, grids.count)
        var (held, width, byte) = (UInt32(0), 0, 0)
        for (row, grid) in grids.enumerated() {
          for index in (row * count)..<((row + 1) * count) {
            if width < bits {
              held |= UInt32(bytes[byte]) << UInt32(width)
              byte += 1
              width += 8
            }
            values[index] = grid.value(Float(held & mask))
            held >>= UInt32(bits)
            width -= bits
          }
        }
      }
    }
    return result
  }

  package var byteCount: Int { codes.byteCount + steps.byteCount + zeros.byteCount }
}
