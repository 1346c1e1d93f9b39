/// One row of sums per unit, `[unit, sum]`; counts are exact up to 2⁵³.
struct SumRows: Sendable {
  let length: Int
  let units: Int
  private let values: [Double]

  init(_ rows: [[Double]], length: Int) {
    precondition(
      rows.allSatisfy { $0.count == length },
      "rows of \(Set(rows.map(\.count)).sorted()) sums, expected \(length)")
    self.length = length
    units = rows.count
    values = rows.flatMap { $0 }
  }

  subscript(unit: Int) -> [Double] { Array(values[unit * length..<(unit + 1) * length]) }

  /// Sums over units that count `weights` times each, added in their order.
  func total(weights: [Int32]) -> [Double] {
    var total = [Double](repeating: 0, count: length)
    total.withUnsafeMutableBufferPointer { total in
      values.withUnsafeBufferPointer { values in
        for unit in 0..<units where weights[unit] > 0 {
          let weight = Double(weights[unit])
          let row = UnsafeBufferPointer(rebasing: values[unit * length..<(unit + 1) * length])
          for index in 0..<length { total[index] += weight * row[index] }
        }
      }
    }
    return total
  }
}
