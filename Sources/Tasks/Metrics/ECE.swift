internal import Recipes

/// Expected calibration error of the largest probability.
///
/// Guo and others 2017, arXiv 1706.04599, eq. 3, whose bins hold their upper bound instead.
///
/// Its sums are also the bins of the reliability diagram, see `calibration(of:)`.
package enum ECE: ScoreSumMetric {
  package static let name = "ECE"
  package static let lowerIsBetter = true
  package static let formula =
    "Σ over 15 bins of equal width of (samples of the bin / all samples) · |share of right samples − "
    + "mean largest probability|; bins hold their lower bound, the last one also 1"

  private static let bins = 15

  /// For each bin: samples, sum of largest probabilities, right samples.
  package static func sumCount(classes: Int) -> Int { 3 * bins }

  package static func add(_ block: ScoreBlock, to sums: inout [Double]) {
    block.forEachChunk { truths, row in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: truths.count) { largest in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: truths.count) { decisions in
          largest.initialize(repeating: -.infinity)
          decisions.initialize(repeating: 0)
          for index in 0..<block.classes {
            if block.sampleStride == 1 {
              decide(largest, decisions, row(index), stride: 1, Int32(index))
            } else {
              decide(largest, decisions, row(index), stride: block.sampleStride, Int32(index))
            }
          }
          for sample in truths.indices where truths[sample] >= 0 {
            let confidence = largest[sample].isFinite ? Double(largest[sample]) : .nan
            let share = confidence.isNaN ? 0 : min(1, max(0, confidence))
            let bin = min(bins - 1, Int(share * Double(bins)))
            sums[3 * bin] += 1
            sums[3 * bin + 1] += confidence
            if decisions[sample] == truths[sample] { sums[3 * bin + 2] += 1 }
          }
        }
      }
    }
  }

  /// Takes the probability of a class where it is the largest so far; what is not a number stays.
  @inline(__always)
  private static func decide(
    _ largest: UnsafeMutableBufferPointer<Float>, _ decisions: UnsafeMutableBufferPointer<Int32>,
    _ values: UnsafePointer<Float>, stride: Int, _ index: Int32
  ) {
    for sample in 0..<largest.count {
      let value = values[sample * stride]
      let isLarger = value > largest[sample] || value.isNaN
      largest[sample] = isLarger ? value : largest[sample]
      decisions[sample] = isLarger ? index : decisions[sample]
    }
  }

  /// The bins behind the figure; nil without samples, and where a probability was not a number.
  ///
  /// - Parameter sums: as `add` makes them, of one unit or of several added up.
  /// - Returns: as many bins as the figure has, from 0 to 1.
  static func calibration(of sums: [Double]) -> [RunRecord.CalibrationBin]? {
    guard sums.allSatisfy(\.isFinite),
      stride(from: 0, to: sums.count, by: 3).contains(where: { sums[$0] > 0 })
    else { return nil }
    return (0..<bins).map { bin in
      let count = sums[3 * bin]
      return RunRecord.CalibrationBin(
        lower: Double(bin) / Double(bins), upper: Double(bin + 1) / Double(bins),
        count: Int(count), meanConfidence: count > 0 ? sums[3 * bin + 1] / count : nil,
        accuracy: count > 0 ? sums[3 * bin + 2] / count : nil)
    }
  }

  package static func figures(of sums: [Double], classes: Int) -> [Double] {
    var samples = 0.0
    var gaps = 0.0
    for bin in 0..<bins {
      samples += sums[3 * bin]
      gaps += abs(sums[3 * bin + 2] - sums[3 * bin + 1])
    }
    return [gaps / samples]
  }
}
