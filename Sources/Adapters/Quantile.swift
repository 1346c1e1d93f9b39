/// A quantile with linear interpolation between neighboring values.
struct Quantile {
  /// In 0...1.
  let part: Double

  init(_ part: Double) { self.part = part }

  /// At place (n − 1) · part of the values in ascending order; linear in their number on average.
  func value(of values: [Double]) -> Double {
    guard !values.isEmpty else { return 0 }
    let place = Double(values.count - 1) * part
    let lower = Int(place)
    var values = values
    let first = Self.select(lower, of: &values)
    guard place > Double(lower) else { return first }
    // What follows place `lower` after the selection is no smaller.
    let second = values[(lower + 1)...].min() ?? first
    return first + (place - Double(lower)) * (second - first)
  }

  /// The value at a place of the ascending order (Hoare's selection); afterwards no value before the
  /// place is larger, none behind it smaller.
  private static func select(_ place: Int, of values: inout [Double]) -> Double {
    var (low, high) = (0, values.count - 1)
    values.withUnsafeMutableBufferPointer { values in
      while low < high {
        let middle = low + (high - low) / 2
        let (a, b, c) = (values[low], values[middle], values[high])
        let pivot = max(min(a, b), min(max(a, b), c))
        var (left, right) = (low, high)
        while left <= right {
          while values[left] < pivot { left += 1 }
          while values[right] > pivot { right -= 1 }
          if left <= right {
            values.swapAt(left, right)
            left += 1
            right -= 1
          }
        }
        if place <= right {
          high = right
        } else if place >= left {
          low = left
        } else {
          return
        }
      }
    }
    return values[place]
  }
}
