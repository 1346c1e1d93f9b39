/// Intersection over union of the pixels near the boundaries.
///
/// Cheng and others 2021, arXiv 2103.16562, eq. 3; the reference code takes 2 % of the diagonal.
package enum BoundaryIoU: MapSumMetric {
  package static let name = "BoundaryIoU"
  package static let perClassName: String? = "BoundaryIoU"
  package static let formula =
    "mean over classes of |Gd ∩ Pd| / |Gd ∪ Pd|, pixels of all maps together; Gd and Pd the pixels of "
    + "the true and predicted class whose square of 2 d + 1 pixels leaves the class or the map, d = 2 % "
    + "of the map's diagonal, rounded, at least 1; ignored pixels belong to no class; classes without "
    + "such pixels are left out"

  private static let shareOfDiagonal = 0.02

  /// For each class: intersection, union.
  package static func sumCount(classes: Int) -> Int { 2 * classes }

  package static func add(_ maps: ClassMapPair, to sums: inout [Double]) {
    let diagonal = Double(maps.height * maps.height + maps.width * maps.width).squareRoot()
    let distance = max(1, Int((shareOfDiagonal * diagonal).rounded(.toNearestOrEven)))
    let prediction = boundary(of: maps.prediction, maps, distance)
    let truth = boundary(of: maps.truth, maps, distance)
    if maps.isUndecided { sums[0] = .nan }
    for pixel in truth.indices {
      let (predicted, actual) = (prediction[pixel], truth[pixel])
      if predicted >= 0, predicted == actual { sums[2 * Int(actual)] += 1 }
      if predicted >= 0 { sums[2 * Int(predicted) + 1] += 1 }
      if actual >= 0, predicted != actual { sums[2 * Int(actual) + 1] += 1 }
    }
  }

  package static func figures(of sums: [Double], classes: Int) -> [Double] {
    let perClass = (0..<classes).map { sums[2 * $0] / sums[2 * $0 + 1] }
    return [sums.contains { $0.isNaN } ? .nan : meanOfDefined(perClass)] + perClass
  }

  /// The class of each pixel within `distance` of its class's boundary, -1 elsewhere.
  ///
  /// A pixel lies inside where its row is of one class from `distance` before to `distance` after
  /// it, and so are the rows that many above and below.
  private static func boundary(
    of map: [Int32], _ maps: ClassMapPair, _ distance: Int
  ) -> [Int32] {
    let (height, width) = (maps.height, maps.width)
    var result = map
    /// Rows, up to this one, that are wide enough of one class around the column, `[row, column]`.
    var depth = [Int32](repeating: 0, count: map.count)
    var runs = [Int](repeating: 0, count: width)
    map.withUnsafeBufferPointer { map in
      depth.withUnsafeMutableBufferPointer { depth in
        result.withUnsafeMutableBufferPointer { result in
          for row in 0..<height {
            let start = row * width
            for column in 0..<width {
              let continues = column > 0 && map[start + column] == map[start + column - 1]
              runs[column] = continues ? runs[column - 1] + 1 : 1
            }
            // A run that is long enough `distance` further on holds the columns on both sides.
            for column in 0..<max(0, width - distance) where runs[column + distance] > 2 * distance
            {
              let pixel = start + column
              let continues = row > 0 && map[pixel] == map[pixel - width]
              depth[pixel] = continues ? depth[pixel - width] + 1 : 1
            }
          }
          for row in 0..<max(0, height - distance) {
            for column in 0..<width
            where depth[(row + distance) * width + column] > 2 * distance {
              result[row * width + column] = -1
            }
          }
        }
      }
    }
    return result
  }
}
