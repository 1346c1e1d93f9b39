import Foundation
package import Tensors

/// Numbers in 8 bits each, by blocks with a scale of their own (dynamic tree quantization, arXiv
/// 2110.02861, section 2.1): the code's leading zeros are a decimal exponent, the rest is a linear
/// fraction, so that numbers seven orders of magnitude below the largest still differ from zero.
package struct EightBit: Sendable {
  /// Numbers that share a scale.
  package static let blockSize = 256

  /// 256 ascending values from −1 (or 0) to 1.
  private let levels: [Float]
  /// Middle between each level and the next.
  private let cuts: [Float]

  package static let signed = EightBit(isSigned: true)
  package static let unsigned = EightBit(isSigned: false)

  private init(isSigned: Bool) {
    var levels: [Double] = [0, 1]
    let exponents = 7
    for exponent in 0..<exponents {
      let fractions = 1 << (isSigned ? exponent : exponent + 1)
      let power = pow(10.0, Double(exponent - exponents + 1))
      for number in 0..<fractions {
        // The middle of the number-th of equal parts of [0.1, 1].
        let value = power * (0.1 + 0.9 * (Double(number) + 0.5) / Double(fractions))
        levels.append(value)
        if isSigned { levels.append(-value) }
      }
    }
    let sorted = levels.sorted().map { Float($0) }
    self.levels = sorted
    cuts = zip(sorted, sorted.dropFirst()).map { ($0 + $1) / 2 }
  }

  /// Codes u8 of the values' shape, and scales `[blocks]`.
  package func encoded(_ values: Tensor) -> (codes: Tensor, scales: Tensor) {
    let count = values.elementCount
    let blocks = (count + Self.blockSize - 1) / Self.blockSize
    let codes = Tensor(uninitialized: values.shape, dtype: .u8)
    let scales = Tensor(uninitialized: [blocks])
    values.withElements(of: Float.self) { values in
      codes.withMutableElements(of: UInt8.self) { codes in
        scales.withMutableElements(of: Float.self) { scales in
          for block in 0..<blocks {
            let range = block * Self.blockSize..<min(count, (block + 1) * Self.blockSize)
            var largest: Float = 0
            for place in range { largest = max(largest, abs(values[place])) }
            scales[block] = largest
            let factor = largest > 0 ? 1 / largest : 0
            for place in range { codes[place] = code(values[place] * factor) }
          }
        }
      }
    }
    return (codes, scales)
  }

  /// Values of codes, into `target`.
  package func decode(
    _ codes: Tensor, _ scales: Tensor, into target: UnsafeMutableBufferPointer<Float>
  ) {
    codes.withElements(of: UInt8.self) { codes in
      scales.withElements(of: Float.self) { scales in
        for place in codes.indices {
          target[place] = levels[Int(codes[place])] * scales[place / Self.blockSize]
        }
      }
    }
  }

  /// The level next to a value in −1…1.
  private func code(_ value: Float) -> UInt8 {
    var (low, high) = (0, cuts.count)
    while low < high {
      let middle = (low + high) / 2
      if value > cuts[middle] { low = middle + 1 } else { high = middle }
    }
    return UInt8(low)
  }
}
