extension TIFFLayout {
  /// Puts values in place of differences, in a row of `blockWidth` pixels.
  ///
  /// - Parameters:
  ///   - row: its `rowBytes` bytes.
  ///   - scratch: room for as many.
  func undoPredictor(_ row: UnsafeMutableRawPointer, scratch: UnsafeMutableRawPointer) {
    switch predictor {
    case .none: break
    case .difference:
      switch element.byteCount {
      case 1: accumulate(row.assumingMemoryBound(to: UInt8.self), blockWidth * samples, samples)
      case 2: accumulate(row.assumingMemoryBound(to: UInt16.self), blockWidth * samples, samples)
      default: accumulate(row.assumingMemoryBound(to: UInt32.self), blockWidth * samples, samples)
      }
    case .floatingPoint:
      let bytes = row.assumingMemoryBound(to: UInt8.self)
      accumulate(bytes, rowBytes, samples)
      let planes = scratch.assumingMemoryBound(to: UInt8.self)
      planes.update(from: bytes, count: rowBytes)
      let count = blockWidth * samples
      let words = row.assumingMemoryBound(to: UInt32.self)
      // The plane of the highest bytes comes first.
      for place in 0..<count {
        words[place] =
          UInt32(planes[place]) << 24 | UInt32(planes[count + place]) << 16
          | UInt32(planes[2 * count + place]) << 8 | UInt32(planes[3 * count + place])
      }
    }
  }
}

/// xᵢ += xᵢ₋ₛ.
@inline(__always)
private func accumulate<Number: FixedWidthInteger>(
  _ values: UnsafeMutablePointer<Number>, _ count: Int, _ step: Int
) {
  guard step > 1 else {
    var sum: Number = 0
    for place in 0..<count {
      sum &+= values[place]
      values[place] = sum
    }
    return
  }
  for place in stride(from: step, to: count, by: 1) { values[place] &+= values[place - step] }
}
