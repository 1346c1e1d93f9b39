import Foundation

/// Random numbers as PyTorch draws them on a CPU (torch 2.15), for values that PEFT makes anew from a
/// seed: the Mersenne twister MT19937 (Matsumoto and Nishimura 1998).
package struct TorchGenerator {
  private var state = [UInt32](repeating: 0, count: 624)
  private var position = 624

  package init(seed: Int) {
    state[0] = UInt32(truncatingIfNeeded: seed)
    for index in 1..<624 {
      let previous = state[index - 1]
      state[index] = 1_812_433_253 &* (previous ^ (previous >> 30)) &+ UInt32(index)
    }
  }

  /// 32 random bits.
  package mutating func next() -> UInt32 {
    if position == 624 { twist() }
    var y = state[position]
    position += 1
    y ^= y >> 11
    y ^= (y << 7) & 0x9D2C_5680
    y ^= (y << 15) & 0xEFC6_0000
    return y ^ (y >> 18)
  }

  private mutating func twist() {
    for index in 0..<624 {
      let y = (state[index] & 0x8000_0000) | (state[(index + 1) % 624] & 0x7FFF_FFFF)
      state[index] = state[(index + 397) % 624] ^ (y >> 1) ^ (y & 1 == 0 ? 0 : 0x9908_B0DF)
    }
    position = 0
  }

  /// The first `count` of a random order of 0..<n (`torch.randperm`), n below 2³²/20.
  package mutating func permutation(of n: Int, first count: Int) -> [Int] {
    var order = Array(0..<n)
    for index in 0..<min(count, max(0, n - 1)) {
      order.swapAt(index, index + Int(next()) % (n - index))
    }
    return Array(order.prefix(count))
  }

  /// Uniform in [lower, upper), by 24 random bits each, rounded once (`Tensor.uniform_`).
  package mutating func uniform(_ count: Int, in range: Range<Float>) -> [Float] {
    let (lower, width) = (Double(range.lowerBound), Double(range.upperBound - range.lowerBound))
    return (0..<count).map { _ in
      Float(Double(next() & 0xFF_FFFF) * 0x1p-24 * width + lower)
    }
  }

  /// Kaiming uniform with gain √2 for `columns` inputs: ±√6/√columns.
  package mutating func kaiming(rows: Int, columns: Int) -> [Float] {
    let bound = Float(3.0.squareRoot() * (2.0.squareRoot() / Double(columns).squareRoot()))
    return uniform(rows * columns, in: -bound..<bound)
  }

  /// Normal with mean 0 and deviation 1 (`torch.randn`), up to the last bit of the logarithm.
  package mutating func normal(_ count: Int) -> [Float] {
    guard count >= 16 else { return pairs(count) }
    var values = uniform(count, in: 0..<1)
    for start in stride(from: 0, through: count - 16, by: 16) { Self.transform(&values, start) }
    if count % 16 != 0 {
      values.replaceSubrange((count - 16)..., with: uniform(16, in: 0..<1))
      Self.transform(&values, count - 16)
    }
    return values
  }

  /// Box–Muller on 16 uniform numbers: eight radii and eight angles.
  private static func transform(_ values: inout [Float], _ start: Int) {
    for index in start..<(start + 8) {
      let radius = (-2 * log(1 - values[index])).squareRoot()
      let angle = 2 * Float.pi * values[index + 8]
      values[index] = radius * cos(angle)
      values[index + 8] = radius * sin(angle)
    }
  }

  /// Few numbers come in pairs from 53-bit uniforms.
  private mutating func pairs(_ count: Int) -> [Float] {
    var values: [Float] = []
    while values.count < count {
      let (first, second) = (double(), double())
      let radius = (-2 * log(1 - second)).squareRoot()
      values.append(Float(radius * cos(2 * Double.pi * first)))
      values.append(Float(radius * sin(2 * Double.pi * first)))
    }
    return Array(values.prefix(count))
  }

  private mutating func double() -> Double {
    let high = UInt64(next())
    return Double((high << 32 | UInt64(next())) & (1 << 53 - 1)) * 0x1p-53
  }
}
