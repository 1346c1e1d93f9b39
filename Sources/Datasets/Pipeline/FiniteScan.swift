extension UnsafeBufferPointer<Float> {
  /// Place of the first NaN or infinity; nil where there is none.
  var firstNotFinite: Int? {
    // All bits of the exponent set; without its sign a number's bits grow with its size.
    let limit = Int32(bitPattern: Float.infinity.bitPattern)
    var start = 0
    while start < count {
      let end = Swift.min(start + Self.scanned, count)
      var largest: Int32 = 0
      for place in start..<end {
        largest = Swift.max(largest, Int32(bitPattern: self[place].bitPattern & 0x7FFF_FFFF))
      }
      if largest >= limit { return (start..<end).first { !self[$0].isFinite } }
      start = end
    }
    return nil
  }

  /// Elements that are looked at together.
  private static var scanned: Int { 2048 }
}
