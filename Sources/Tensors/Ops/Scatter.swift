extension Tensor {
  /// The elements added up at numbered places of a vector that is zero elsewhere.
  ///
  /// - Parameters:
  ///   - places: as many as elements, each below `count`; a place may occur more than once.
  ///   - count: size of the result.
  /// - Returns: `[count]`.
  package func scattered(to places: [Int], count: Int) -> Tensor {
    precondition(
      places.count == elementCount && places.allSatisfy { (0..<count).contains($0) },
      "\(elementCount) elements for \(places.count) places of \(count)")
    let result: Tensor
    switch dtype {
    case .f64: result = Tensor(Self.sums(elements(as: Double.self), places, count), shape: [count])
    default: result = Tensor(Self.sums(elements(as: Float.self), places, count), shape: [count])
    }
    let shape = shape
    return result.recorded(from: [self]) { gradient in
      switch gradient.dtype {
      case .f64:
        let values = gradient.elements(as: Double.self)
        return [Tensor(places.map { values[$0] }, shape: shape)]
      default:
        let values = gradient.elements(as: Float.self)
        return [Tensor(places.map { values[$0] }, shape: shape)]
      }
    }
  }

  private static func sums<Value: TensorElement & BinaryFloatingPoint>(
    _ values: [Value], _ places: [Int], _ count: Int
  ) -> [Value] {
    var sums = [Value](repeating: 0, count: count)
    for (value, place) in zip(values, places) { sums[place] += value }
    return sums
  }

  /// Whole numbers of any integer type.
  package var integers: [Int] {
    switch dtype {
    case .i32: elements(as: Int32.self).map { Int($0) }
    case .i64: elements(as: Int64.self).map { Int($0) }
    case .u8: elements(as: UInt8.self).map { Int($0) }
    default: preconditionFailure("a tensor of \(dtype) holds no whole numbers")
    }
  }
}
