package import Tensors

/// Class maps that stand or fall together when units are resampled: an image, the tiles of a scene.
package struct ClassMapUnit: Sendable, Portable {
  private let classes: Int
  private let mapMetrics: [any MapSumMetric.Type]
  private let scoreMetrics: [any ScoreSumMetric.Type]
  /// Pixels by `[truth, prediction]`, in two tables so that a run of equal pixels does not wait for
  /// its own last sum.
  private var counts: [Int]
  private var undecided = 0
  private(set) var mapSums: [[Double]]
  private(set) var scoreSums: [[Double]]

  init(
    classes: Int, mapMetrics: [any MapSumMetric.Type], scoreMetrics: [any ScoreSumMetric.Type]
  ) {
    self.classes = classes
    self.mapMetrics = mapMetrics
    self.scoreMetrics = scoreMetrics
    counts = [Int](repeating: 0, count: 2 * classes * classes)
    mapSums = mapMetrics.map { [Double](repeating: 0, count: $0.sumCount(classes: classes)) }
    scoreSums = scoreMetrics.map { [Double](repeating: 0, count: $0.sumCount(classes: classes)) }
  }

  /// Adds one map.
  ///
  /// - Parameters:
  ///   - prediction: classes `[height, width]`; -1 where the model gave no number, which leaves the
  ///     confusion and map metrics no number.
  ///   - truth: classes or the ignored value, `[height, width]`.
  ///   - height: rows.
  ///   - width: pixels of a row.
  ///   - ignored: value of the truth where nothing is counted.
  ///   - probabilities: `[class, height, width]`; needed by the metrics of scores, else unused.
  /// - Throws: `TaskError.labelOutsideClasses` and `.predictionOutsideClasses`; the unit is not to
  ///   be used then.
  package mutating func add(
    prediction: [Int32], truth: [Int32], height: Int, width: Int, ignoring ignored: Int,
    probabilities: [Float]? = nil
  ) throws(TaskError) {
    precondition(
      prediction.count == height * width && truth.count == height * width,
      "\(prediction.count) predictions and \(truth.count) truths for \(height) × \(width) pixels")
    try count(prediction, truth, ignoring: ignored)
    if !mapMetrics.isEmpty {
      let maps = ClassMapPair(
        prediction: prediction, truth: truth, height: height, width: width, classes: classes,
        ignoring: ignored)
      for (index, metric) in mapMetrics.enumerated() { metric.add(maps, to: &mapSums[index]) }
    }
    if !scoreMetrics.isEmpty { addScores(probabilities ?? [], truth, ignoring: ignored) }
  }

  private mutating func count(
    _ prediction: [Int32], _ truth: [Int32], ignoring ignored: Int
  ) throws(TaskError) {
    guard let ignored = Int32(exactly: ignored) else {
      preconditionFailure("the ignored value \(ignored) is beyond 32 bits")
    }
    let bound = UInt32(classes)
    let cells = classes * classes
    let failure = counts.withUnsafeMutableBufferPointer { counts in
      prediction.withUnsafeBufferPointer { prediction in
        truth.withUnsafeBufferPointer { truth -> Int? in
          for pixel in 0..<truth.count where truth[pixel] != ignored {
            let (row, column) = (
              UInt32(bitPattern: truth[pixel]), UInt32(bitPattern: prediction[pixel])
            )
            guard row < bound, column < bound else {
              guard row < bound, prediction[pixel] == -1 else { return pixel }
              undecided += 1
              continue
            }
            counts[(pixel & 1) * cells + Int(row &* bound &+ column)] &+= 1
          }
          return nil
        }
      }
    }
    guard let failure else { return }
    guard (0..<classes).contains(Int(truth[failure])) else {
      throw .labelOutsideClasses(label: Int(truth[failure]), classes: classes)
    }
    throw .predictionOutsideClasses(prediction: Int(prediction[failure]), classes: classes)
  }

  private mutating func addScores(_ probabilities: [Float], _ truth: [Int32], ignoring ignored: Int)
  {
    precondition(
      probabilities.count == classes * truth.count,
      "\(probabilities.count) probabilities of \(classes) classes and \(truth.count) pixels for "
        + scoreMetrics.map { $0.name }.joined(separator: ", "))
    let truths = truth.map { Int($0) == ignored ? -1 : $0 }
    truths.withUnsafeBufferPointer { truths in
      probabilities.withUnsafeBufferPointer { probabilities in
        guard let base = probabilities.baseAddress else { return }
        let block = ScoreBlock(
          truths: truths, probabilities: base, classes: classes, sampleStride: 1,
          classStride: truths.count)
        for (index, metric) in scoreMetrics.enumerated() {
          metric.add(block, to: &scoreSums[index])
        }
      }
    }
  }

  var decisions: DecisionCounts {
    let cells = classes * classes
    return DecisionCounts(
      counts: (0..<cells).map { counts[$0] + counts[cells + $0] }, undecided: undecided)
  }

  package func write(to writer: inout ByteWriter) {
    writer.append(counts)
    writer.append(undecided)
    for sums in mapSums + scoreSums { writer.append(sums) }
  }

  package mutating func read(from reader: inout ByteReader) {
    counts = reader.array()
    undecided = reader.value()
    for index in mapSums.indices { mapSums[index] = reader.array() }
    for index in scoreSums.indices { scoreSums[index] = reader.array() }
  }

  func isMade(by other: ClassMapUnit) -> Bool {
    classes == other.classes && mapMetrics.elementsEqual(other.mapMetrics) { $0 == $1 }
      && scoreMetrics.elementsEqual(other.scoreMetrics) { $0 == $1 }
  }
}
