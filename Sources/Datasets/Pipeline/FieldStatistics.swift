package import Tensors

/// Statistics of one field over some trajectories.
package struct FieldStatistics: Codable, Sendable, Equatable {
  package var field: String
  package var count: Int
  package var minimum: Double
  package var maximum: Double
  package var mean: Double
  /// Population standard deviation.
  package var standardDeviation: Double
  /// Values below which lie the shares `FieldStatistics.shares`, in their order.
  package var quantiles: [Double]

  /// Shares of the stored quantiles.
  package static let shares = [0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999]

  /// Statistics of the trajectories `units`, which are read one by one.
  ///
  /// Moments are exact. Quantiles are exact up to `largestSample` values per field; beyond, every k-th
  /// value of the stream is taken, k the smallest that suffices.
  package static func of(
    _ units: [Int], in set: TrajectorySet, reading: (Int) throws -> Tensor
  ) throws -> [FieldStatistics] {
    let perTrajectory = set.frameCount * set.frameShape.dropFirst().reduce(1, *)
    let step = max(1, (units.count * perTrajectory + largestSample - 1) / largestSample)
    let fieldCount = set.fields.count
    var moments = [Moments](repeating: Moments(), count: fieldCount)
    var samples = [[Float]](repeating: [], count: fieldCount)
    var position = [Int](repeating: 0, count: fieldCount)
    for unit in units {
      let values = try reading(unit)
      for (field, piece) in values.fieldMoments().enumerated() { moments[field].join(piece) }
      values.withElements(of: Float.self) { elements in
        values.forEachField { field, places in
          var place = places.lowerBound + (step - position[field] % step) % step
          while place < places.upperBound {
            samples[field].append(elements[place])
            place += step
          }
          position[field] += places.count
        }
      }
    }
    return set.fields.indices.map { field in
      let sorted = samples[field].sortedByDigits()
      return FieldStatistics(
        field: set.fields[field].name, count: moments[field].count,
        minimum: Double(moments[field].minimum), maximum: Double(moments[field].maximum),
        mean: moments[field].mean, standardDeviation: moments[field].standardDeviation,
        quantiles: shares.map { quantile($0, of: sorted) })
    }
  }

  /// Values per field from which quantiles are taken, at most.
  static let largestSample = 1 << 21

  /// Linear between the two nearest order statistics, as numpy's default.
  package static func quantile(_ share: Double, of sorted: [Float]) -> Double {
    guard let last = sorted.indices.last else { return .nan }
    let place = share * Double(last)
    let below = Int(place)
    let above = min(below + 1, last)
    let (low, high) = (Double(sorted[below]), Double(sorted[above]))
    return low + (place - Double(below)) * (high - low)
  }
}
