extension [Float] {
  /// The values in ascending order, by three passes over 11 bits of their order-preserving keys.
  ///
  /// In time linear in the count, for the millions of values that quantiles are taken of. Negative zero
  /// stands before zero, NaN at the ends.
  package func sortedByDigits() -> [Float] {
    guard count > 1024 else { return sorted() }
    let digits = 2048
    // Bits of a float order like integers once negative ones are turned round.
    var keys = map { value -> UInt32 in
      let bits = value.bitPattern
      return bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
    }
    var other = [UInt32](repeating: 0, count: count)
    for shift: UInt32 in [0, 11, 22] {
      var places = [Int](repeating: 0, count: digits + 1)
      for key in keys { places[Int((key >> shift) & 2047) + 1] += 1 }
      for digit in 1...digits { places[digit] += places[digit - 1] }
      for key in keys {
        let digit = Int((key >> shift) & 2047)
        other[places[digit]] = key
        places[digit] += 1
      }
      swap(&keys, &other)
    }
    return keys.map { Float(bitPattern: $0 & 0x8000_0000 != 0 ? $0 & 0x7FFF_FFFF : ~$0) }
  }
}
