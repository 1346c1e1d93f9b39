import Layers
package import Tensors

/// A weight in 4-bit NormalFloat with double quantization (QLoRA, arXiv 2305.14314, section 3).
///
/// Values are taken in blocks of 64 in row-major order; each is the nearest of 16 levels times the
/// block's largest magnitude. Those scales in turn lie in 8 bits: their mean is taken off, and blocks of
/// 256 of them share one f32 step. The paper keeps the scales in a floating-point code of 8 bits, here
/// they are whole steps. 4 + 8/64 + 32/(64 · 256) = 4.127 bits a value in all.
package struct NormalFloat: CompactValue {
  /// Quantiles of the standard normal distribution, 0 among them, over the largest.
  package static let levels: [Float] = [
    -1, -0.696_192_8, -0.525_073_05, -0.394_917_5, -0.284_441_38, -0.184_773_43, -0.091_050_036, 0,
    0.079_580_3, 0.160_930_2, 0.246_112_3, 0.337_915_24, 0.440_709_83, 0.562_617, 0.722_956_84, 1,
  ]
  package static let block = 64
  /// The levels of both codes of a byte.
  private static let pairs = (0..<256).map { byte in
    SIMD2(levels[byte & 15], levels[byte >> 4])
  }
  private static let scalesPerStep = 256

  /// Two to a byte, the first in the lower bits, u8 `[⌈n / 2⌉]`.
  private let codes: Tensor
  /// Of each block, in steps around `mean`, moved up by 128, u8 `[⌈n / 64⌉]`.
  private let scales: Tensor
  /// Of 256 scales, f32.
  private let steps: Tensor
  /// Of all scales.
  private let mean: Float

  /// Quantizes a weight of any shape.
  package init(_ weight: Tensor) {
    let values = weight.detached().cast(to: .f32).elements(as: Float.self)
    let blocks = (values.count + Self.block - 1) / Self.block
    var largest = [Float](repeating: 0, count: blocks)
    for (index, value) in values.enumerated() {
      largest[index / Self.block] = max(largest[index / Self.block], abs(value))
    }
    var codes = [UInt8](repeating: 0, count: (values.count + 1) / 2)
    for (index, value) in values.enumerated() {
      let scale = largest[index / Self.block]
      let code = scale > 0 ? UInt8(nearestIndex(to: value / scale, in: Self.levels)) : 7
      codes[index / 2] |= code << UInt8(index % 2 * 4)
    }
    let mean = Float(largest.reduce(0.0) { $0 + Double($1) } / Double(max(1, blocks)))
    let groups = (blocks + Self.scalesPerStep - 1) / Self.scalesPerStep
    var steps = [Float](repeating: 0, count: groups)
    for (index, scale) in largest.enumerated() {
      let group = index / Self.scalesPerStep
      steps[group] = max(steps[group], abs(scale - mean) / 127)
    }
    let moved = largest.enumerated().map { index, scale -> UInt8 in
      let step = steps[index / Self.scalesPerStep]
      let count = step > 0 ? ((scale - mean) / step).rounded() : 0
      return UInt8(min(255, max(0, count + 128)))
    }
    self.codes = Tensor(codes, shape: [codes.count])
    scales = Tensor(moved, shape: [blocks])
    self.steps = Tensor(steps, shape: [groups])
    self.mean = mean
  }

  package func tensor(_ shape: [Int]) -> Tensor {
    let result = Tensor(uninitialized: shape)
    let (mean, block, perStep) = (mean, Self.block, Self.scalesPerStep)
    codes.withElements(of: UInt8.self) { codes in
      scales.withElements(of: UInt8.self) { scales in
        steps.withElements(of: Float.self) { steps in
          Self.pairs.withUnsafeBufferPointer { pairs in
            result.withMutableElements(of: Float.self) { values in
              for number in 0..<scales.count {
                let scale = mean + Float(Int(scales[number]) - 128) * steps[number / perStep]
                let end = min(values.count, (number + 1) * block)
                // A block begins with a whole byte; of an odd last one half is left.
                var index = number * block
                while index + 1 < end {
                  let pair = pairs[Int(codes[index >> 1])] * scale
                  values[index] = pair.x
                  values[index + 1] = pair.y
                  index += 2
                }
                if index < end { values[index] = pairs[Int(codes[index >> 1])].x * scale }
              }
            }
          }
        }
      }
    }
    return result
  }

  package var byteCount: Int { codes.byteCount + scales.byteCount + steps.byteCount + 4 }
}
