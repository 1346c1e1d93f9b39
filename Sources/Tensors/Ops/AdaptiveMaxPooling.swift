extension Tensor {
  /// The largest value of each window of an adaptive pooling (`poolingWindow`).
  ///
  /// From `[batch, channels, height, width]` to `[batch, channels, size[0], size[1]]`. Of equal values
  /// the first gets the gradient.
  package func adaptiveMaxPooled(to size: [Int]) -> Tensor {
    precondition(
      rank == 4 && size.count == 2 && size.allSatisfy { $0 > 0 },
      "adaptive max pool of \(shape) to \(size)")
    let (planes, height, width) = (shape[0] * shape[1], shape[2], shape[3])
    let lines = reshaped(to: [planes, height * width])
    let rows = (0..<size[0]).map { poolingWindow($0, of: size[0], input: height) }
    let columns = (0..<size[1]).map { poolingWindow($0, of: size[1], input: width) }
    let places =
      dtype == .f32
      ? largestPlaces(of: Float.self, rows, columns) : largestPlaces(of: Double.self, rows, columns)
    return lines.gathered(
      axis: 1, indices: Tensor(places, shape: [planes, size[0] * size[1]])
    ).reshaped(to: Array(shape[..<2]) + size)
  }

  /// Where in its plane the largest value of each window stands, NaN before all.
  private func largestPlaces<Element: TensorElement & BinaryFloatingPoint>(
    of type: Element.Type, _ rows: [Range<Int>], _ columns: [Range<Int>]
  ) -> [Int32] {
    let (width, pixels) = (shape[3], shape[2] * shape[3])
    return withElements(of: type) { values in
      var places: [Int32] = []
      places.reserveCapacity(shape[0] * shape[1] * rows.count * columns.count)
      for start in stride(from: 0, to: values.count, by: pixels) {
        for row in rows {
          for column in columns {
            var best = row.lowerBound * width + column.lowerBound
            for y in row {
              for place in (y * width + column.lowerBound)..<(y * width + column.upperBound) {
                let value = values[start + place]
                if value > values[start + best] || value.isNaN { best = place }
              }
            }
            places.append(Int32(best))
          }
        }
      }
      return places
    }
  }
}
