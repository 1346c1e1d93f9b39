import Foundation

/// A counter-based random stream: Philox4x32-10.
///
/// Source: Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
/// What a stream yields is a pure function of (seed, purpose, step, index), so results depend
/// neither on the number of threads nor on what was drawn before. The seed is the key; index, step
/// and purpose are words of the counter, whose first word numbers the blocks of four outputs.
package struct Philox: RandomNumberGenerator, Sendable {
  /// What the numbers are for; streams of different purposes are independent.
  package enum Purpose: UInt32, Sendable {
    case initialization, shuffle, dropout, augmentation, data, bootstrap, split, source, masking,
      schedule
  }

  private let key: SIMD2<UInt32>
  private var counter: SIMD4<UInt32>
  private var block = SIMD4<UInt32>()
  /// Outputs of `block` already handed out.
  private var used = 4
  private var spareNormal: Double?

  /// The stream of one purpose; `step` and `index` must lie in 0..<2³².
  package init(seed: UInt64, purpose: Purpose, step: Int, index: Int) {
    guard let step32 = UInt32(exactly: step), let index32 = UInt32(exactly: index) else {
      preconditionFailure("step \(step) and index \(index) of a stream must lie in 0..<2³²")
    }
    key = SIMD2(halvesOf: seed)
    counter = SIMD4(0, index32, step32, purpose.rawValue)
  }

  /// 32 independent bits.
  package mutating func next() -> UInt32 {
    if used == 4 {
      block = Self.block(counter: counter, key: key)
      counter[0] += 1
      used = 0
    }
    defer { used += 1 }
    return block[used]
  }

  /// 64 independent bits, the first word drawn in the low half.
  package mutating func next() -> UInt64 {
    let low: UInt32 = next()
    let high: UInt32 = next()
    return UInt64(high) << 32 | UInt64(low)
  }

  /// Uniform on [0, 1) with 53 random bits.
  package mutating func uniform() -> Double {
    let bits: UInt64 = next()
    return Double(bits >> 11) * 0x1p-53
  }

  /// Uniform on the interval, its upper end excluded.
  package mutating func uniform(in interval: ClosedRange<Double>) -> Double {
    interval.lowerBound + (interval.upperBound - interval.lowerBound) * uniform()
  }

  /// Standard normal (Box and Muller 1958); every second call uses what the first has left.
  package mutating func normal() -> Double {
    if let spare = spareNormal {
      spareNormal = nil
      return spare
    }
    let radius = (-2 * log(1 - uniform())).squareRoot()
    let angle = 2 * Double.pi * uniform()
    spareNormal = radius * sin(angle)
    return radius * cos(angle)
  }

  /// What repeated calls of `normal` on a fresh stream give, times a deviation, into `target`; those that
  /// `isKept` refuses are passed over.
  ///
  /// One block of the generator makes two normals: nothing is handed from call to call.
  package mutating func normals(
    into target: UnsafeMutableBufferPointer<Float>, deviation: Double,
    where isKept: (Double) -> Bool = { _ in true }
  ) {
    precondition(used == 4 && spareNormal == nil, "normals in bulk begin a stream")
    var place = 0
    func uniform(_ low: UInt32, _ high: UInt32) -> Double {
      Double((UInt64(high) << 32 | UInt64(low)) >> 11) * 0x1p-53
    }
    while place < target.count {
      let words = Self.block(counter: counter, key: key)
      counter[0] += 1
      let radius = (-2 * log(1 - uniform(words[0], words[1]))).squareRoot()
      let angle = 2 * Double.pi * uniform(words[2], words[3])
      let first = radius * cos(angle)
      if isKept(first) {
        target[place] = Float(deviation * first)
        place += 1
      }
      let second = radius * sin(angle)
      if place < target.count, isKept(second) {
        target[place] = Float(deviation * second)
        place += 1
      }
    }
  }

  /// Uniform on 0..<bound without bias: multiply and shift, small remainders redrawn (Lemire 2019).
  package mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0, "a number below \(bound) does not exist")
    let range = UInt64(bound)
    let threshold = (0 &- range) % range
    while true {
      let bits: UInt64 = next()
      let product = bits.multipliedFullWidth(by: range)
      if product.low >= threshold { return Int(product.high) }
    }
  }

  /// The numbers 0..<count in random order (Fisher and Yates, from the back).
  package mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) { order.swapAt(last, below(last + 1)) }
    return order
  }

  /// Four outputs: ten rounds over one counter.
  package static func block(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var (counter, key) = (counter, key)
    for _ in 0..<10 {
      let even = (0xD251_1F53 as UInt32).multipliedFullWidth(by: counter[0])
      let odd = (0xCD9E_8D57 as UInt32).multipliedFullWidth(by: counter[2])
      counter = SIMD4(
        odd.high ^ counter[1] ^ key[0], odd.low, even.high ^ counter[3] ^ key[1], even.low)
      key &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
    }
    return counter
  }
}

extension SIMD2 where Scalar == UInt32 {
  /// The two halves of a 64-bit word, low half first.
  fileprivate init(halvesOf word: UInt64) {
    self.init(UInt32(truncatingIfNeeded: word), UInt32(truncatingIfNeeded: word >> 32))
  }
}
