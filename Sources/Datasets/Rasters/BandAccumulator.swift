/// Statistics of one band, from a stream of values.
///
/// Moments are exact. Quantiles are exact up to `FieldStatistics.largestSample` values; beyond, every
/// k-th value of the stream is taken.
struct BandAccumulator {
  private let band: String
  private let step: Int
  private var moments = Moments()
  private var sample: [Float] = []
  private var position = 0

  /// Of at most `expecting` values.
  init(band: String, expecting: Int) {
    self.band = band
    step = max(1, (expecting + FieldStatistics.largestSample - 1) / FieldStatistics.largestSample)
  }

  mutating func add(_ values: [Float]) {
    values.withUnsafeBufferPointer { moments.add($0) }
    var place = (step - position % step) % step
    while place < values.count {
      sample.append(values[place])
      place += step
    }
    position += values.count
  }

  var statistics: FieldStatistics {
    FieldStatistics(
      field: band, count: moments.count, minimum: Double(moments.minimum),
      maximum: Double(moments.maximum), mean: moments.mean,
      standardDeviation: moments.standardDeviation,
      quantiles: FieldStatistics.quantiles(of: sample))
  }
}
