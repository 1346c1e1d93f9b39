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
      FieldStatistics(
        field: set.fields[field].name, count: moments[field].count,
        minimum: Double(moments[field].minimum), maximum: Double(moments[field].maximum),
        mean: moments[field].mean, standardDeviation: moments[field].standardDeviation,
        quantiles: quantiles(of: samples[field]))
    }
  }

  /// Values per field from which quantiles are taken, at most.
  static let largestSample = 1 << 21

  /// The quantiles at `shares`, each linear between the two nearest order statistics, as numpy's default.
  package static func quantiles(of values: [Float], at shares: [Double] = shares) -> [Double] {
    guard !values.isEmpty else { return shares.map { _ in .nan } }
    let last = values.count - 1
    let places = shares.map { $0 * Double(last) }
    let ranks = places.flatMap { [Int($0), min(Int($0) + 1, last)] }
    let found = values.orderStatistics(ranks).map(Double.init)
    return places.enumerated().map { number, place in
      let (low, high) = (found[2 * number], found[2 * number + 1])
      return low + (place - place.rounded(.down)) * (high - low)
    }
  }
}
