/// MT19937 with numpy's legacy seeding: the generator behind the splits of reference code.
///
/// Matsumoto and Nishimura 1998. Only for reproducing published splits; our own numbers come from
/// `Philox`.
struct MersenneTwister: Sendable {
  private static let size = 624
  private static let offset = 397
  private var state: [UInt32]
  private var position = size

  /// `init_genrand`, which `numpy.random.seed` calls for a seed below 2³².
  init(seed: UInt32) {
    state = [seed]
    for index in 1..<Self.size {
      let previous = state[index - 1]
      state.append(1_812_433_253 &* (previous ^ (previous >> 30)) &+ UInt32(index))
    }
  }

  mutating func next() -> UInt32 {
    if position == Self.size { twist() }
    var word = state[position]
    position += 1
    word ^= word >> 11
    word ^= (word << 7) & 0x9d2c_5680
    word ^= (word << 15) & 0xefc6_0000
    return word ^ (word >> 18)
  }

  /// `numpy.random.permutation(count)`: Fisher and Yates from the back, each place drawn by masking
  /// and rejection.
  mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      let bound = UInt32(last)
      let mask = UInt32.max >> UInt32(bound.leadingZeroBitCount)
      var place = next() & mask
      while place > bound { place = next() & mask }
      order.swapAt(last, Int(place))
    }
    return order
  }

  private mutating func twist() {
    for index in 0..<Self.size {
      let upper = state[index] & 0x8000_0000
      let lower = state[(index + 1) % Self.size] & 0x7fff_ffff
      let word = upper | lower
      let mixed = (word >> 1) ^ (word & 1 == 0 ? 0 : 0x9908_b0df)
      state[index] = state[(index + Self.offset) % Self.size] ^ mixed
    }
    position = 0
  }
}
