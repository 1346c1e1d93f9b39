import Layers
package import Tensors

/// A weight in 8-bit whole numbers of −127…127 times a scale of its row, the row's largest magnitude over
/// 127.
///
/// 8 + 32/n bits a value, n values in a row.
package struct RowInteger: CompactValue {
  /// Moved up by 128, u8 `[rows, n]`.
  private let codes: Tensor
  /// f32 `[rows]`.
  private let scales: Tensor

  /// Quantizes a weight, whose rows lie along its first axis.
  package init(_ weight: Tensor) {
    let values = weight.detached().cast(to: .f32).elements(as: Float.self)
    let rows = max(1, weight.shape.first ?? 1)
    let count = values.count / rows
    var scales = [Float](repeating: 0, count: rows)
    var codes = [UInt8](repeating: 128, count: values.count)
    for row in 0..<rows {
      let range = (row * count)..<((row + 1) * count)
      let scale = values[range].reduce(0) { max($0, abs($1)) } / 127
      scales[row] = scale
      guard scale > 0 else { continue }
      for index in range {
        codes[index] = UInt8(min(255, max(1, (values[index] / scale).rounded() + 128)))
      }
    }
    self.codes = Tensor(codes, shape: [rows, count])
    self.scales = Tensor(scales, shape: [rows])
  }

  package func tensor(_ shape: [Int]) -> Tensor {
    let result = Tensor(uninitialized: shape)
    let scales = scales.elements(as: Float.self)
    let count = codes.shape[1]
    codes.withElements(of: UInt8.self) { codes in
      result.withMutableElements(of: Float.self) { values in
        for row in 0..<scales.count {
          for index in (row * count)..<((row + 1) * count) {
            values[index] = Float(Int(codes[index]) - 128) * scales[row]
          }
        }
      }
    }
    return result
  }

  package var byteCount: Int { codes.byteCount + scales.byteCount }
}
