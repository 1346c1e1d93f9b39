/// Mean squared distance of probabilities from the truth (Brier 1950).
package enum Brier: ScoreSumMetric, LabelSumMetric {
  package static let name = "Brier"
  package static let lowerIsBetter = true
  package static let formula =
    "one class true per sample: mean over samples of Σ over classes (p − y)², from 0 to 2; several "
    + "labels: mean over samples and labels of (p − y)², from 0 to 1; y is 1 for what is true, else 0"

  /// Sum of squares, and what it is divided by.
  package static func sumCount(classes: Int) -> Int { 2 }

  package static func add(_ block: ScoreBlock, to sums: inout [Double]) {
    block.forEachChunk { truths, row in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: truths.count) { squares in
        squares.initialize(repeating: 0)
        for index in 0..<block.classes {
          if block.sampleStride == 1 {
            addSquares(squares, row(index), stride: 1, truths, Int32(index))
          } else {
            addSquares(squares, row(index), stride: block.sampleStride, truths, Int32(index))
          }
        }
        for sample in truths.indices where truths[sample] >= 0 {
          sums[0] += squares[sample]
          sums[1] += 1
        }
      }
    }
  }

  /// Adds (p − y)² of one class to the squares of each sample.
  @inline(__always)
  private static func addSquares(
    _ squares: UnsafeMutableBufferPointer<Double>, _ values: UnsafePointer<Float>, stride: Int,
    _ truths: UnsafeBufferPointer<Int32>, _ index: Int32
  ) {
    for sample in 0..<squares.count {
      let distance = Double(values[sample * stride]) - (truths[sample] == index ? 1 : 0)
      squares[sample] += distance * distance
    }
  }

  package static func add(truth: [Bool], probabilities: [Float], to sums: inout [Double]) {
    for (isTrue, probability) in zip(truth, probabilities) {
      let distance = Double(probability) - (isTrue ? 1 : 0)
      sums[0] += distance * distance
    }
    sums[1] += Double(truth.count)
  }

  package static func figures(of sums: [Double], classes: Int) -> [Double] { [sums[0] / sums[1]] }
}
