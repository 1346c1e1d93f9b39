/// A metric whose evidence is a row of sums: those of several units add up, and its figures follow
/// from the total.
package protocol SummedMetric: ClassMetric {
  /// How many sums it keeps for K classes.
  static func sumCount(classes: Int) -> Int
  /// One number for each of `outputs(classNames:)`; not numbers where nothing was added.
  static func figures(of sums: [Double], classes: Int) -> [Double]
}

/// A summed metric of the probabilities of K classes, one of which is true.
package protocol ScoreSumMetric: SummedMetric {
  /// Adds the samples of a block; a probability that is not a number makes the figures none.
  static func add(_ block: ScoreBlock, to sums: inout [Double])
}

/// A summed metric of the probabilities of K labels, each true or not.
package protocol LabelSumMetric: SummedMetric {
  /// Adds one sample, both arrays `[label]`.
  static func add(truth: [Bool], probabilities: [Float], to sums: inout [Double])
}

/// A summed metric of class maps.
package protocol MapSumMetric: SummedMetric {
  static func add(_ maps: ClassMapPair, to sums: inout [Double])
}

/// Probabilities of K classes for some samples, lying anywhere in memory with regular strides.
package struct ScoreBlock {
  package let truths: UnsafeBufferPointer<Int32>
  package let probabilities: UnsafePointer<Float>
  package let classes: Int
  /// Elements from one sample to the next, and from one class to the next.
  package let sampleStride: Int
  package let classStride: Int

  /// - Parameters:
  ///   - truths: class of each sample, `[sample]`; a negative one leaves the sample out.
  ///   - probabilities: first element of samples by classes.
  ///   - classes: K.
  ///   - sampleStride: elements from one sample to the next.
  ///   - classStride: elements from one class to the next.
  package init(
    truths: UnsafeBufferPointer<Int32>, probabilities: UnsafePointer<Float>, classes: Int,
    sampleStride: Int, classStride: Int
  ) {
    self.truths = truths
    self.probabilities = probabilities
    self.classes = classes
    self.sampleStride = sampleStride
    self.classStride = classStride
  }

  /// Calls `body` for chunks of samples that fit a cache: their truths, and where the probabilities
  /// of a class begin, `sampleStride` apart.
  @inline(__always)
  func forEachChunk(
    _ body: (
      _ truths: UnsafeBufferPointer<Int32>, _ row: (_ class: Int) -> UnsafePointer<Float>
    ) -> Void
  ) {
    for start in stride(from: 0, to: truths.count, by: 512) {
      let chunk = UnsafeBufferPointer(
        rebasing: truths[start..<min(start + 512, truths.count)])
      body(chunk) { probabilities + start * sampleStride + $0 * classStride }
    }
  }
}
