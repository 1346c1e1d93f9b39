extension [Float] {
  /// The values that would stand at `ranks` if all were sorted.
  ///
  /// Found by counting the upper and then the lower halves of order-preserving keys, for the millions of
  /// values that quantiles are taken of. Negative zero stands before zero, NaN at the ends.
  package func orderStatistics(_ ranks: [Int]) -> [Float] {
    guard count > 1024 else {
      let keys = map(\.orderKey).sorted()
      return ranks.map { Float(orderKey: keys[$0]) }
    }
    let digits = 1 << 16
    var upper = [Int](repeating: 0, count: digits)
    for value in self { upper[Int(value.orderKey >> 16)] += 1 }
    var starts: [Int] = []
    var below = 0
    for count in upper {
      starts.append(below)
      below += count
    }
    // The upper half of the key at each rank.
    let found = ranks.map { rank in
      starts.indices.last { starts[$0] <= rank && upper[$0] > 0 } ?? 0
    }
    var slots = [UInt8](repeating: .max, count: digits)
    let wanted = Set(found).sorted()
    for (slot, digit) in wanted.enumerated() { slots[digit] = UInt8(slot) }
    var lower = [Int32](repeating: 0, count: wanted.count * digits)
    for value in self {
      let key = value.orderKey
      let slot = slots[Int(key >> 16)]
      if slot != .max { lower[Int(slot) * digits + Int(key & 0xFFFF)] += 1 }
    }
    return zip(ranks, found).map { rank, digit in
      let first = Int(slots[digit]) * digits
      var left = rank - starts[digit]
      var low = 0
      while left >= Int(lower[first + low]) {
        left -= Int(lower[first + low])
        low += 1
      }
      return Float(orderKey: UInt32(digit) << 16 | UInt32(low))
    }
  }
}

extension Float {
  /// Bits that order as integers like the values do.
  fileprivate var orderKey: UInt32 {
    bitPattern & 0x8000_0000 == 0 ? bitPattern | 0x8000_0000 : ~bitPattern
  }

  fileprivate init(orderKey key: UInt32) {
    self.init(bitPattern: key & 0x8000_0000 != 0 ? key & 0x7FFF_FFFF : ~key)
  }
}
