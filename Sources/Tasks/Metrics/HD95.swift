/// 95th percentile of the distances between the surfaces of predicted and true regions.
package enum HD95: MapSumMetric {
  package static let name = "HD95"
  package static let outputs = ["HD95", "HD95_left_out"]
  package static let perClassName: String? = "HD95"
  package static let lowerIsBetter = true
  package static let unit = MetricUnit.pixels
  package static let formula =
    "per map and class the 95th percentile (linear between order statistics) of the distances, in "
    + "pixels, from each surface pixel of the prediction to the nearest of the truth and the other "
    + "way round, all together; surface: pixels of the class with one of four neighbours outside it "
    + "or outside the map; ignored pixels belong to no class; 0 where a map has the class in neither, "
    + "left out (counted as HD95_left_out) where in one only; mean over maps, then over the classes "
    + "that have any"

  /// For each class: sum over maps, maps, maps left out.
  package static func sumCount(classes: Int) -> Int { 3 * classes }

  package static func add(_ maps: ClassMapPair, to sums: inout [Double]) {
    let prediction = surfaces(of: maps.prediction, maps)
    let truth = surfaces(of: maps.truth, maps)
    if maps.isUndecided { sums[0] = .nan }
    for index in 0..<maps.classes {
      switch (prediction[index].isEmpty, truth[index].isEmpty) {
      case (true, true): sums[3 * index + 1] += 1
      case (false, false):
        sums[3 * index] += distance(prediction[index], truth[index], width: maps.width)
        sums[3 * index + 1] += 1
      default: sums[3 * index + 2] += 1
      }
    }
  }

  package static func figures(of sums: [Double], classes: Int) -> [Double] {
    let perClass = (0..<classes).map { sums[3 * $0] / sums[3 * $0 + 1] }
    let hasEvidence = (0..<classes).contains { sums[3 * $0 + 1] + sums[3 * $0 + 2] > 0 }
    let leftOut = (0..<classes).reduce(0.0) { $0 + sums[3 * $1 + 2] }
    let isUndecided = sums.contains { $0.isNaN }
    return [isUndecided ? .nan : meanOfDefined(perClass), hasEvidence ? leftOut : .nan] + perClass
  }

  /// Pixel numbers of the surface of each class, `[class]`.
  private static func surfaces(of map: [Int32], _ maps: ClassMapPair) -> [[Int]] {
    var surfaces = [[Int]](repeating: [], count: maps.classes)
    let (height, width) = (maps.height, maps.width)
    map.withUnsafeBufferPointer { map in
      for row in 0..<height {
        for column in 0..<width {
          let pixel = row * width + column
          let label = map[pixel]
          guard label >= 0 else { continue }
          let isInside =
            row > 0 && row < height - 1 && column > 0 && column < width - 1
            && map[pixel - width] == label && map[pixel + width] == label
            && map[pixel - 1] == label && map[pixel + 1] == label
          if !isInside { surfaces[Int(label)].append(pixel) }
        }
      }
    }
    return surfaces
  }

  private static func distance(_ first: [Int], _ second: [Int], width: Int) -> Double {
    let squares =
      NearestPixel(second, and: first, width: width).squaredDistances(from: first)
      + NearestPixel(first, and: second, width: width).squaredDistances(from: second)
    let position = 0.95 * Double(squares.count - 1)
    let below = Int(position)
    let (lower, upper) = neighbors(squares, at: below)
    return lower.squareRoot() + (upper.squareRoot() - lower.squareRoot())
      * (position - Double(below))
  }

  /// The order statistic at a place and the one after it, or itself where it is the last.
  private static func neighbors(_ squares: [Int], at place: Int) -> (Double, Double) {
    let next = min(place + 1, squares.count - 1)
    let largest = squares.max() ?? 0
    // Squares of few pixels are counted faster than sorted.
    guard largest < 4 * squares.count else {
      let sorted = squares.sorted()
      return (Double(sorted[place]), Double(sorted[next]))
    }
    var counts = [Int](repeating: 0, count: largest + 1)
    for square in squares { counts[square] += 1 }
    var (passed, lower) = (0, -1)
    for (square, count) in counts.enumerated() {
      passed += count
      if lower < 0, passed > place { lower = square }
      if passed > next { return (Double(lower), Double(square)) }
    }
    preconditionFailure("order statistic \(place) of \(squares.count)")
  }
}

/// Euclidean distances to the nearest of some pixels, within the rectangle that holds these and the
/// pixels that will ask.
private struct NearestPixel {
  private let width: Int
  private let rows: ClosedRange<Int>
  private let columns: ClosedRange<Int>
  /// Rows to the nearest pixel of the same column, `[row, column]` of the rectangle.
  private var vertical: [Int32]

  init(_ pixels: [Int], and others: [Int], width: Int) {
    self.width = width
    var (top, bottom, left, right) = (Int.max, 0, Int.max, 0)
    for list in [pixels, others] {
      for pixel in list {
        let (row, column) = pixel.quotientAndRemainder(dividingBy: width)
        (top, bottom) = (min(top, row), max(bottom, row))
        (left, right) = (min(left, column), max(right, column))
      }
    }
    rows = top...bottom
    columns = left...right
    let (height, columnCount) = (rows.count, columns.count)
    let far = Int32(1 << 30)
    var distances = [Int32](repeating: far, count: height * columnCount)
    for pixel in pixels {
      distances[(pixel / width - top) * columnCount + pixel % width - left] = 0
    }
    distances.withUnsafeMutableBufferPointer { cells in
      guard let base = cells.baseAddress else { return }
      func relax(_ row: Int, from other: Int) {
        let (cells, others) = (base + row * columnCount, base + other * columnCount)
        for column in 0..<columnCount { cells[column] = min(cells[column], others[column] &+ 1) }
      }
      for row in 1..<max(1, height) { relax(row, from: row - 1) }
      for row in stride(from: height - 2, through: 0, by: -1) { relax(row, from: row + 1) }
    }
    vertical = distances
  }

  /// min over columns of (column distance)² + (row distance there)², from the pixel outwards.
  func squaredDistances(from pixels: [Int]) -> [Int] {
    let (top, left, columnCount) = (rows.lowerBound, columns.lowerBound, columns.count)
    return vertical.withUnsafeBufferPointer { vertical in
      pixels.map { pixel in
        let (row, column) = pixel.quotientAndRemainder(dividingBy: width)
        let start = (row - top) * columnCount
        let center = column - left
        func square(_ position: Int) -> Int {
          guard position >= 0, position < columnCount else { return .max }
          let height = Int(vertical[start + position])
          return height * height + (position - center) * (position - center)
        }
        var best = square(center)
        var shift = 1
        while shift * shift < best, shift < columnCount {
          best = min(best, square(center - shift), square(center + shift))
          shift += 1
        }
        return best
      }
    }
  }
}
